import { describe, expect, it } from 'vitest'
import { isWatched, isWatcher } from './watcher.ts'

describe('isWatcher', () => {
  it.each([
    ['node /app/node_modules/.bin/nodemon server.js'],
    ['node /app/node_modules/nodemon/bin/nodemon.js --signal SIGTERM server.js'],
    ['/usr/bin/node --no-warnings /app/node_modules/.bin/tsx watch server.ts'],
    ['node /app/node_modules/tsx/dist/cli.mjs watch server.ts'],
    ['nodemon server.js'],
  ])('recognises %s', (line) => expect(isWatcher(line.split(' '))).toBe(true))

  it.each([
    [''],
    ['node /app/node_modules/.bin/tsx server.ts'],
    ['node /srv/nodemon/server.js'],
    ['node server.js nodemon'],
    ['sh -c nodemon server.js'],
    ['vi nodemon.js'],
  ])('does not take %j for a watcher', (line) => expect(isWatcher(line.split(' '))).toBe(false))
})

describe('isWatched', () => {
  it('is true with the variable of node --watch, unless socket-port run is in between', () => {
    const env = { WATCH_REPORT_DEPENDENCIES: '1' }
    expect(isWatched(env)).toBe(true)
    expect(isWatched({ ...env, SOCKET_PORT_GENERATION: '1' })).toBe(false)
    expect(isWatched({})).toBe(false)
  })
})
