import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startGeneration } from '@socket-port/testkit/generation'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'

let directory = ''
afterEach(async () => {
  await endProcesses()
  rmSync(directory, { recursive: true })
})

const core = new URL('../../../packages/core/dist/index.js', import.meta.url).href
const testkit = import.meta.resolve('@socket-port/testkit/core-loaded')
const bin = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url))

const source = (version: number): string => `
import { createServer } from 'node:http'
import { subscribe } from 'node:diagnostics_channel'
import { serve } from '${core}'
import { coreLoaded } from '${testkit}'
subscribe('socket-port.drain.end', ({ result }) => console.log('drained', result.forced))
const server = createServer((request, response) => {
  if (request.url !== '/events') return void response.end('version ${version}')
  response.setHeader('content-type', 'text/event-stream').write('data: ${version}\\n\\n')
})
await serve(server, { port: process.env.PORT, host: '127.0.0.1' })
// With that code it has looked for the watcher.
await coreLoaded
console.log('version ${version} serves')
`

describe('under a watcher, a change of the code', () => {
  it.each<[string, (file: string) => string[]]>([
    ['node --watch', (file) => [process.execPath, '--watch', file]],
    ['tsx watch', (file) => [bin('tsx'), 'watch', file]],
    ['nodemon', (file) => [bin('nodemon'), '--signal', 'SIGTERM', file]],
    ['nodemon --exec', (file) => [bin('nodemon'), '--signal', 'SIGTERM', '--exec', `node ${file}`]],
    ['nodemon with SIGINT', (file) => [bin('nodemon'), '--signal', 'SIGINT', file]],
  ])('is served at once, with an idle tab and an event stream open: %s', async (_, command) => {
    directory = mkdtempSync(join(tmpdir(), 'socket-port-watcher-'))
    const file = join(directory, 'server.mjs')
    writeFileSync(file, source(1))
    const port = freePort('127.0.0.1')
    const env = { PORT: String(port) }
    const watcher = startGeneration({ command: command(file), env, cwd: directory })
    await watcher.printed(/version 1 serves/)
    const [idle, events] = [await RawConnection.open(port), await RawConnection.open(port)]
    idle.send(get('/'))
    events.send(get('/events'))
    await Promise.all([idle.receive(/version 1$/), events.receive(/data: 1/)])
    const save = (): void => writeFileSync(file, source(2))
    save()
    // nodemon does not say when it watches, which may be after the program serves.
    const saving = setInterval(save, 1_000)
    await Promise.all([idle.closed, events.closed])
    clearInterval(saving)
    await watcher.printed(/version 2 serves/)
    // The full drain cuts the stream at its deadline, or is cut short by an impatient watcher.
    expect(watcher.stdout).toMatch(/drained 0\n/)
    expect(watcher.stderr).not.toMatch(/warning/)
  })
})
