import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startOnTerminal } from '@socket-port/testkit/command'
import { startLoad } from '@socket-port/testkit/load/load'
import type { LoadResult } from '@socket-port/testkit/load/result'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { freePort } from '@socket-port/testkit/native'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import type { Supervised } from '@socket-port/testkit/supervised'
import { describe, expect, it } from 'vitest'
import {
  afterTest,
  expectNothingLost,
  fixture,
  pidsOf,
  SERVER,
  start,
  startUpload,
  underLoad,
  who,
} from './supervising.ts'

const HOLDING = fixture('core-shutdown.mjs')
const command = [process.execPath, HOLDING]
const CROSS_ENV = fileURLToPath(new URL('../../node_modules/.bin/cross-env', import.meta.url))

describe('stop signals to `run` and its process that come together', () => {
  it.each<[string, NodeJS.Signals[], NodeJS.Signals[]]>([
    ['KillMode=control-group', ['SIGTERM'], ['SIGTERM']],
    ['pm2, to the whole tree', ['SIGINT'], ['SIGINT']],
    ['nodemon', ['SIGTERM', 'SIGTERM', 'SIGINT'], ['SIGTERM']],
    ['npm on a Ctrl-C', ['SIGINT', 'SIGINT'], []],
    ['docker and a shell', ['SIGTERM', 'SIGQUIT'], []],
  ])('are one: %s', async (_, toRun, toChild) => {
    const supervised = await start()
    const upload = await startUpload(await supervised.port())
    const [child = 0] = await pidsOf(supervised)
    for (const signal of toChild) process.kill(child, signal)
    for (const signal of toRun) process.kill(supervised.pid, signal)
    // A process that says first that it stops may have been followed by another one for a moment.
    await supervised.printed(/stops: \d+ process/)
    let answer = ''
    upload.on('data', (data) => {
      answer += data
    })
    upload.end('rest')
    await once(upload, 'close')
    expect(answer).toContain('rest')
    expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
    expect(supervised.generation.output).toMatch(/stopped: every process has ended\n$/)
    expect(supervised.generation.output).not.toMatch(/warning/)
  })

  /** The group gets SIGTERM while clients are at work and a request is held. */
  async function stopUnderLoad(supervised: Supervised): Promise<LoadResult> {
    const port = await supervised.port()
    const load = await startLoad({
      target: { port },
      clients: 30,
      method: 'mixed',
      connection: 'keep-alive',
      think: [0, 20],
    })
    afterTest(() => load.dispose())
    await load.oneRequestEach()
    const upload = await startUpload(port)
    const closed = new Promise((resolve) => upload.on('error', () => {}).once('close', resolve))
    const pids = [...(await pidsOf(supervised)), supervised.pid]
    for (const pid of pids) process.kill(pid, 'SIGTERM')
    await supervised.printed(/stops: \d+ process/)
    // The held request keeps the process: what the clients ask now is served too.
    await load.oneRequestEach()
    const result = await load.stop()
    upload.end('rest')
    await closed
    return result
  }

  it('cut nothing under load, when the group gets SIGTERM', async () => {
    const supervised = await start()
    const result = await stopUnderLoad(supervised)
    expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
    expectNothingLost(result)
  })

  it('negative control: a server that the second signal ends loses requests', async () => {
    const args = ['--listen', '127.0.0.1:0', '--ready', 'port']
    const plain = [process.execPath, fixture('plain-close.mjs')]
    await untilLost(async () => stopUnderLoad(await start({ command: plain, args })))
  })
})

// Longer than the 300 ms in which signals are one stop. A third stop would end the process by SIGKILL, unless it has ended
// since the second one.
const SECOND_STOP = 1_000

// cross-env passes each signal on, also one that the whole process group has got: `run` gets it twice.
describe('a signal to the group of `cross-env VARIABLE=value socket-port run`', () => {
  const startCrossEnv = (): ReturnType<typeof start> =>
    start({ prefix: [CROSS_ENV, 'RELEASE=blue'] })

  it.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])(
    '%s drains, and loses nothing under load',
    async (signal) => {
      const supervised = await startCrossEnv()
      const port = await supervised.port()
      expect((await who(port)).release).toBe('blue')
      const load = await startLoad({
        target: { port },
        clients: 30,
        method: 'mixed',
        connection: 'keep-alive',
        think: [0, 20],
      })
      afterTest(() => load.dispose())
      await load.oneRequestEach()
      const upload = await startUpload(port)
      process.kill(-supervised.pid, signal)
      await supervised.printed(/stops: 1 process drains/)
      const result = await load.stop()
      upload.end('rest')
      await once(upload, 'close')
      expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
      expect(supervised.generation.output).toMatch(/stopped: every process has ended\n$/)
      expectNothingLost(result)
    },
  )

  it('SIGHUP reloads, and loses nothing under load', async () => {
    const supervised = await startCrossEnv()
    const port = await supervised.port()
    const result = await underLoad(port, async (load) => {
      process.kill(-supervised.pid, 'SIGHUP')
      await supervised.printed(/generation 2 is ready/)
      await load.oneRequestEach()
    })
    expectNothingLost(result)
    expect(Number((await who(port)).generation)).toBeGreaterThan(1)
  })

  it('SIGTERM once more, later, cuts what is left', async () => {
    const supervised = await startCrossEnv()
    const upload = await startUpload(await supervised.port())
    upload.on('error', () => {})
    process.kill(-supervised.pid, 'SIGTERM')
    await supervised.printed(/stops: 1 process drains/)
    const repeated = setInterval(() => process.kill(-supervised.pid, 'SIGTERM'), SECOND_STOP)
    await once(upload, 'close')
    clearInterval(repeated)
    expect(await supervised.generation.exit).toMatchObject({ code: 7, signal: null })
  })
})

it.each(['SIGHUP', 'SIGTERM'] as const)(
  '%s while `run` closes its own sockets changes nothing',
  async (late) => {
    const directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
    afterTest(() => rmSync(directory, { recursive: true }))
    const control = join(directory, 'control.sock')
    const supervised = await start({ args: ['--listen', '127.0.0.1:0', '--control', control] })
    // For this client, which does not close its end, the control socket waits for up to a second.
    const client = connect({ path: control, allowHalfOpen: true }).resume()
    await once(client, 'connect')
    supervised.generation.signal('SIGTERM')
    await once(client, 'end')
    supervised.generation.signal(late)
    expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
    expect(readdirSync(directory)).toEqual([])
    client.destroy()
  },
)

describe('a later stop signal', () => {
  it('cuts what is left; a request that is cut shows in the exit code', async () => {
    const supervised = await start()
    const upload = await startUpload(await supervised.port())
    upload.on('error', () => {})
    supervised.generation.signal('SIGTERM')
    await supervised.printed(/stops: 1 process drains/)
    const repeated = setInterval(() => supervised.generation.signal('SIGTERM'), SECOND_STOP)
    await once(upload, 'close')
    clearInterval(repeated)
    expect(await supervised.generation.exit).toMatchObject({ code: 7, signal: null })
    expect(supervised.generation.output).toMatch(/stopped: a process has cut connections/)
  })

  it('a deadline that cuts shows in the exit code too', async () => {
    const env = { OPTIONS: JSON.stringify({ drain: { timeout: 60, idleTimeout: 10 } }) }
    const supervised = await start({ command, env })
    const held = await RawConnection.open(await supervised.port())
    held.send(get('/hold'))
    const probe = await RawConnection.open(await supervised.port())
    probe.send(get('/', 'Connection: close'))
    await probe.receive(/ready$/)
    supervised.generation.signal('SIGTERM')
    await held.closed
    expect(await supervised.generation.exit).toMatchObject({ code: 7, signal: null })
  })
})

describe('Ctrl-C on the terminal of `run`', () => {
  function control(): string[] {
    const directory = mkdtempSync(join(tmpdir(), 'socket-port-terminal-'))
    afterTest(() => rmSync(directory, { recursive: true }))
    return ['--control', join(directory, 'control')]
  }

  it('says each second what it waits for, and that all is over', async () => {
    const port = freePort('127.0.0.1')
    const listen = ['--listen', `127.0.0.1:${port}`]
    const terminal = startOnTerminal(['run', ...listen, ...control(), '--', ...command])
    await terminal.shown(/generation 1 is ready/)
    const held = await RawConnection.open(port)
    held.send(get('/hold'))
    const probe = await RawConnection.open(port)
    probe.send(get('/', 'Connection: close'))
    await probe.receive(/ready$/)
    terminal.type('\x03')
    await terminal.shown(/1 request in flight, up to 3 s; Ctrl-C again cuts it/)
    await terminal.shown(/1 request in flight, up to [12] s/)
    await held.closed
    const { code, stdout } = await terminal.end
    expect(code).toBe(7)
    expect(stdout).toMatch(/stopped after (?:[3-9]|\d\d)\.\d s: 1 request was cut/)
    expect(stdout).toMatch(/socket-port: stopped: a process has cut connections[^\n]*\n$/)
  })

  it('closes idle connections at once', async () => {
    const port = freePort('127.0.0.1')
    const listen = ['--listen', `127.0.0.1:${port}`]
    const run = ['run', ...listen, ...control(), '--']
    const terminal = startOnTerminal([...run, process.execPath, SERVER])
    await terminal.shown(/generation 1 is ready/)
    const idle = await RawConnection.open(port)
    idle.send(get('/'))
    await idle.receive(/200 OK/)
    terminal.type('\x03')
    await idle.closed
    const { code, stdout } = await terminal.end
    expect(code).toBe(0)
    expect(stdout).toMatch(/stopped: every process has ended\r?\n$/)
  })
})
