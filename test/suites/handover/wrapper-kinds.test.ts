import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@socket-port/testkit/native'
import { describe, expect, it } from 'vitest'
import {
  afterTest,
  expectNothingLost,
  expectStops,
  pidsOf,
  start,
  underLoad,
  untilDrained,
  who,
} from '../cli/supervising.ts'

// What programs do below a wrapper.

const core = new URL('../../../packages/core/dist/index.js', import.meta.url).href

function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-kinds-'))
  afterTest(() => rmSync(folder, { recursive: true }))
  for (const [name, code] of Object.entries(files)) writeFileSync(join(folder, name), code)
  return folder
}

const SERVES = `
  import { createServer } from 'node:http'
  import { serve } from '${core}'
  const server = (name) => createServer((request, response) => {
    response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
    if (request.url === '/who') response.setHeader('connection', 'close').end(JSON.stringify({ pid: process.pid, name }))
    else request.pipe(response)
  })`

const below = (...words: string[]): [string, ...string[]] => [
  '/bin/sh',
  '-c',
  '"$0" "$@"; exit $?',
  process.execPath,
  ...words,
]

describe('below a wrapper', () => {
  it('a server for metrics may listen first: the process is ready when the other one listens', async () => {
    const cwd = folderWith({
      'server.mjs': `${SERVES}
        await serve(server('metrics'), { port: 0, host: '127.0.0.1', inherit: 'never' })
        for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate) // READY=1 was sent
        await serve(server('web'), { inherit: 'require' })`,
    })
    const supervised = await start({ command: below('server.mjs'), cwd })
    expect(await who(await supervised.port())).toMatchObject({ name: 'web' })
    expect(await pidsOf(supervised)).toEqual([(await who(await supervised.port())).pid])
    supervised.generation.signal('SIGHUP')
    await supervised.printed(/generation 2 is ready/)
    await untilDrained(supervised)
    await expectStops(supervised)
    expect(supervised.generation.output).not.toMatch(/warning/)
  })

  it('two processes serve a socket each, and both get the stop signal', async () => {
    const [web, admin] = [freePort(), freePort()]
    const cwd = folderWith({
      'web.mjs': `${SERVES}
        await serve(server('web'), { port: ${web}, inherit: 'require' })
        process.once('exit', () => console.log('web ends'))`,
      'admin.mjs': `${SERVES}
        await serve(server('admin'), { port: ${admin}, inherit: 'require' })
        process.once('exit', () => console.log('admin ends'))`,
    })
    const script = '"$0" web.mjs & "$0" admin.mjs & wait'
    const supervised = await start({
      command: ['/bin/sh', '-c', script, process.execPath],
      args: ['--listen', `127.0.0.1:${web}`, '--listen', `127.0.0.1:${admin}`],
      cwd,
    })
    const result = await underLoad(
      web,
      async ({ oneRequestEach }) => {
        supervised.generation.signal('SIGHUP')
        await supervised.printed(/generation 2 is ready/)
        await untilDrained(supervised)
        await oneRequestEach()
      },
      { target: [{ port: web }, { port: admin }], connection: 'keep-alive' },
    )
    expectNothingLost(result)
    expect(result.closedByServer).toBe(0)
    await expectStops(supervised)
    expect(supervised.generation.output.match(/(web|admin) ends/g)).toHaveLength(4)
    expect(supervised.generation.output).not.toMatch(/warning|after SIGTERM/)
  })

  it('each worker has a server of its own', async () => {
    const cwd = folderWith({
      'server.mjs': `${SERVES}\nawait serve(server('web'), { inherit: 'require' })`,
    })
    const args = ['--listen', '127.0.0.1:0', '--workers', '2']
    const supervised = await start({ command: below('server.mjs'), args, cwd })
    await supervised.printed(/generation 1, worker 1 is ready/)
    await supervised.printed(/generation 1, worker 2 is ready/)
    const result = await underLoad(await supervised.port(), async ({ oneRequestEach }) => {
      supervised.generation.signal('SIGHUP')
      await supervised.printed(/generation 2, worker 2 is ready/)
      await untilDrained(supervised)
      await oneRequestEach()
    })
    expectNothingLost(result)
    await expectStops(supervised)
  })

  it('node --watch starts the server again after a change: 0 failed, 0 closed', async () => {
    const source = (version: number): string =>
      `${SERVES}\nawait serve(server('version ${version}'), { inherit: 'require' })`
    const cwd = folderWith({ 'server.mjs': source(1) })
    const supervised = await start({ command: [process.execPath, '--watch', 'server.mjs'], cwd })
    const port = await supervised.port()
    const result = await underLoad(
      port,
      async ({ oneRequestEach }) => {
        for (const version of [2, 3]) {
          const { pid } = await who(port)
          writeFileSync(join(cwd, 'server.mjs'), source(version))
          await supervised.until(({ generations }) => generations[0]?.workers[0]?.pid !== pid)
          await oneRequestEach()
          expect(await who(port)).toMatchObject({ name: `version ${version}` })
        }
      },
      { connection: 'keep-alive' },
    )
    expectNothingLost(result)
    expect(result.closedByServer).toBe(0)
    expect((await supervised.status()).restarts).toBe(0)
    await expectStops(supervised)
  })
})
