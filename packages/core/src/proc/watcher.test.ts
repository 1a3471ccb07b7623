import { describe, expect, it } from 'vitest'
import { isWatched, isWatcher } from './watcher.ts'

describe('isWatcher', () => {
  it.each([
    ['node /app/node_modules/.bin/nodemon server.js'],
    ['node /app/node_modules/nodemon/bin/nodemon.js --signal SIGTERM server.js'],
    ['/usr/bin/node --no-warnings /app/node_modules/.bin/tsx watch server.ts'],
    ['node /app/node_modules/tsx/dist/cli.mjs watch server.ts'],
    ['nodemon server.js'],
  ])('knows %s', (line) => expect(isWatcher(line.split(' '))).toBe(true))

  it.each([
    [''],
    ['node /app/node_modules/.bin/tsx server.ts'],
    ['node /srv/nodemon/server.js'],
    ['node server.js nodemon'],
    ['sh -c nodemon server.js'],
    ['vi nodemon.js'],
  ])('takes %j for none', (line) => expect(isWatcher(line.split(' '))).toBe(false))
})

describe('isWatched', () => {
  it('by what node --watch sets, unless socket-port run stands between', () => {
    const env = { WATCH_REPORT_DEPENDENCIES: '1' }
    expect(isWatched(env)).toBe(true)
    expect(isWatched({ ...env, SOCKET_PORT_GENERATION: '1' })).toBe(false)
    expect(isWatched({})).toBe(false)
  })
})
