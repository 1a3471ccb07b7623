import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@socket-port/testkit/native'
import { describe, expect, it } from 'vitest'
import {
  afterTest,
  expectNothingLost,
  expectStops,
  fixture,
  start,
  supervise,
  underLoad,
  untilDrained,
} from '../cli/supervising.ts'

// Below a wrapper a server has lost the sockets that were passed to the wrapper, and asks for one.

const RELOADS = 3
// It binds its port itself, and knows nothing of this package.
const SERVER = fixture('plain-close.mjs')
const PNPM = 'pnpm@12.21.0'
const bin = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url))

/** A package whose scripts start the server, and a bin shim beside it. */
function project(): string {
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-wrapper-'))
  afterTest(() => rmSync(folder, { recursive: true }))
  const node = `'${process.execPath}' '${SERVER}'`
  const scripts = { prestart: 'true', start: node, both: `true && ${node}` }
  // Later releases of pnpm install before they run a script.
  const manifest = { private: true, scripts, pnpm: {} }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(folder, 'shim'), `#!/bin/sh\nbasedir=$(dirname "$0")\n${node} "$@"\nexit $?\n`)
  chmodSync(join(folder, 'shim'), 0o755)
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  symlinkSync('../../shim', join(folder, 'node_modules/.bin/serve-it'))
  return folder
}

const WRAPPERS: [string, (folder: string) => [string, ...string[]]][] = [
  ['npm start', () => ['npm', 'start']],
  ['npm run, with a && b', () => ['npm', 'run', 'both']],
  ['pnpm start', () => ['npx', '-y', PNPM, 'start']],
  ['yarn start', () => [bin('yarn'), 'start']],
  ['npx', () => ['npx', 'serve-it']],
  ['a bin shim', (folder) => [join(folder, 'shim')]],
  ['node --watch', () => [process.execPath, '--watch', SERVER]],
  ['nodemon', () => [bin('nodemon'), SERVER]],
  ['tsx', () => [bin('tsx'), SERVER]],
  ['dotenv-cli', () => [bin('dotenv'), '--', process.execPath, SERVER]],
  ['cross-env', () => [bin('cross-env'), 'A=b', process.execPath, SERVER]],
]

describe('a server that a wrapper has started', () => {
  it.each(WRAPPERS)('%s: 0 failed, 0 closed', async (_, commandIn) => {
    const cwd = project()
    const port = freePort()
    const args = ['--register', '--listen', String(port)]
    // A wrapper may take seconds to start, and the idle connections must outlive that.
    const env = { PORT: String(port), KEEP_ALIVE: '60000' }
    const supervised = await start({ command: commandIn(cwd), args, cwd, env })
    const load = { connection: 'keep-alive', idle: { clients: 20 } } as const
    const result = await underLoad(
      port,
      async ({ oneRequestEach }) => {
        for (let generation = 2; generation <= RELOADS + 1; generation += 1) {
          supervised.generation.signal('SIGHUP')
          await supervised.printed(new RegExp(`generation ${generation} is ready`))
          await untilDrained(supervised)
          await oneRequestEach()
        }
      },
      load,
    )
    expectNothingLost(result)
    expect(result.closedByServer).toBe(0)
    expect(result.idle.closed).toEqual({ fin: 0, reset: 0, data: 0 })
    const { connections, restarts } = await supervised.status()
    expect(connections.received).toBe(connections.handedOver)
    expect(connections.handedOver).toBeGreaterThanOrEqual(RELOADS * 20)
    expect(restarts).toBe(0)
    // One signal: at a second one core ends at once, and says so.
    await expectStops(supervised)
    expect(supervised.generation.output).not.toMatch(/warning|after SIGTERM/)
  })

  it('cannot serve where it cannot ask: its first generation is never ready', async () => {
    const cwd = project()
    const command = ['/bin/sh', '-c', 'unset SOCKET_PORT_ASK; exec npm start'] as const
    const port = freePort()
    const args = ['--register', '--listen', String(port)]
    const supervised = supervise({ command, args, cwd, env: { PORT: String(port) } })
    expect((await supervised.generation.exit).code).toBe(1)
    expect(supervised.generation.output).toMatch(/EADDRINUSE/)
  })
})
