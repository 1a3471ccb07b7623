import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Generation, type Ready, startGeneration } from '@socket-port/testkit/generation'
import { freePort, type Listener, openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, describe, expect, it } from 'vitest'
import { ManagerSocket } from '../../../packages/core/src/testing/manager-socket.ts'
import { closeAll } from '../../../packages/core/src/testing/real-sockets.ts'
import { fixture } from './report.ts'

const PRELOAD = new URL('../../../packages/core/dist/register.cjs', import.meta.url).pathname

const cleanups: (() => void)[] = []
afterEach(async () => {
  await endProcesses()
  await closeAll()
  for (const cleanup of cleanups.splice(0)) cleanup()
})

function passed(options: Parameters<typeof openListener>[0] = {}): Listener {
  const listener = openListener(options)
  cleanups.push(() => listener.close())
  return listener
}

/** A call of `listen` in the program. */
interface Server {
  kind?: 'http' | 'https' | 'http2' | 'net'
  /** The arguments of `listen`. */
  at: unknown
  borrowed?: boolean
  /** Before, this server is told to listen there, and closed in the same turn. */
  takenBackBy?: string
  close?: boolean
}

interface Outcome {
  at?: string
  code?: string
  /** By the preload. */
  served: boolean
}

interface Report extends Ready {
  variables: string[]
  servers: Outcome[]
  children: Report[]
}

interface Started {
  process: Generation
  report: Report
  manager: ManagerSocket
}

/** A program with the preload, that was passed these sockets and lets these servers listen, one after the other. */
async function start(
  sockets: readonly Listener[],
  servers: readonly Server[],
  env: Record<string, string> = {},
): Promise<Started> {
  const started = run('plain-listen.mjs', sockets, { SERVERS: JSON.stringify(servers), ...env })
  return { ...started, report: (await started.process.ready()) as Report }
}

/** A program with the preload, that was passed these sockets. */
function run(
  script: string,
  sockets: readonly Listener[],
  env: Record<string, string>,
): Omit<Started, 'report'> {
  const manager = new ManagerSocket()
  const process = startGeneration({
    script: fixture(script),
    sockets,
    env: { NOTIFY_SOCKET: manager.address, NODE_OPTIONS: `--require=${PRELOAD}`, ...env },
  })
  return { process, manager }
}

async function readyOf(manager: ManagerSocket): Promise<string[]> {
  return (await manager.next()).map(({ text }) => text)
}

const READY = [expect.stringMatching(/^READY=1\n/)]

describe('with a socket that the manager passed', () => {
  it.each([
    ['a port', (port: number) => [port]],
    ['an address in it', (port: number) => [port, '127.0.0.1']],
    ['localhost', (port: number) => [{ port, host: 'localhost' }]],
    ['a name', (port: number) => [{ port, host: 'a.name.that.needs.no.look-up' }]],
  ])('serves %s on it, without a warning, and sends READY=1', async (_, at) => {
    const listener = passed()
    const { report, process, manager } = await start([listener], [{ at: at(listener.port) }])
    expect(report.servers).toEqual([{ at: `:::${listener.port}`, served: true }])
    expect(report.variables).toEqual([])
    expect(process.stderr).toBe('')
    expect(await readyOf(manager)).toEqual(READY)
  })

  it.each(['http', 'https', 'http2'] as const)('serves a server of %s', async (kind) => {
    const listener = passed()
    const { report } = await start([listener], [{ kind, at: listener.port, borrowed: true }])
    expect(report.servers).toEqual([{ at: `:::${listener.port}`, served: true }])
  })

  it('serves a unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'socket-port-'))
    cleanups.push(() => rmSync(folder, { recursive: true }))
    const listener = passed({ path: join(folder, 'app.sock') })
    const { report } = await start([listener], [{ at: listener.path }])
    expect(report.servers).toEqual([{ at: listener.path, served: true }])
  })

  it('leaves servers elsewhere to Node: other ports, port 0, other addresses, and plain TCP', async () => {
    const listener = passed({ host: '127.0.0.2' })
    const { port } = listener
    const other = freePort()
    const { report, process, manager } = await start(
      [listener],
      [
        { at: other },
        { at: [0, '127.0.0.1'] },
        { at: [port, '127.0.0.1'] },
        { kind: 'net', at: [port, '127.0.0.3'] },
        { at: [port, '127.0.0.2'] },
      ],
    )
    expect(report.servers).toEqual([
      { at: `:::${other}`, served: false },
      { at: expect.stringMatching(/^127\.0\.0\.1:/), served: false },
      { at: `127.0.0.1:${port}`, served: false },
      { at: `127.0.0.3:${port}`, served: false },
      { at: `127.0.0.2:${port}`, served: true },
    ])
    expect(process.stderr).toBe('')
    expect(await readyOf(manager)).toEqual(READY)
  })

  it('a second server on its address fails as in Node, and READY=1 is sent', async () => {
    const listener = passed()
    const { port } = listener
    const { report, manager } = await start([listener], [{ at: port }, { at: [port, '127.0.0.1'] }])
    expect(report.servers[1]).toEqual({ code: 'EADDRINUSE', served: false })
    expect(await readyOf(manager)).toEqual(READY)
  })

  it('serves the next server there when the one before has closed', async () => {
    const { port, ...listener } = passed()
    const { report, process } = await start(
      [{ port, ...listener }],
      [{ at: port, close: true }, { at: port, close: true }, { at: port }],
    )
    expect(report.servers).toEqual(Array(3).fill({ at: `:::${port}`, served: true }))
    expect(process.stderr).toBe('')
  })

  it.each(['the same server', 'another server'])(
    'serves a server there when %s was closed before it listened',
    async (takenBackBy) => {
      const { port, ...listener } = passed()
      const { report, process } = await start([{ port, ...listener }], [{ at: port, takenBackBy }])
      expect(report.servers).toEqual([{ at: `:::${port}`, served: true }])
      expect(process.stderr).toBe('')
    },
  )

  it('says once what was asked for and what is kept, if they differ', async () => {
    const listener = passed()
    const [one, two] = [freePort(), freePort()]
    const servers = [{ at: one }, { at: [two, '127.0.0.1'] }]
    const { process } = await start([listener], servers, { EXIT: '1' })
    await process.exit
    expect(process.stderr).toBe(WARNING(`${one}, ${two} on 127.0.0.1`, listener.port))
  })

  it('SOCKET_PORT_REGISTER_TAKE=first: the first HTTP server gets it, whatever it asks for', async () => {
    const listener = passed()
    const other = freePort()
    const { report, process } = await start(
      [listener],
      [{ kind: 'net', at: 0 }, { at: other }, { at: other }],
      { SOCKET_PORT_REGISTER_TAKE: 'first' },
    )
    expect(report.servers.slice(1)).toEqual([
      { at: `:::${listener.port}`, served: true },
      { at: `:::${other}`, served: false },
    ])
    expect(process.stderr).toBe('')
  })
})

describe('a program that uses this package', () => {
  it.each([0, 1])('is served by it alone: serve, with %i sockets', async (count) => {
    const listener = passed()
    const { port } = count === 0 ? { port: freePort() } : listener
    const sockets = count === 0 ? [] : [listener]
    const { process, manager } = run('core-serve.mjs', sockets, { PORT: String(port) })
    expect(await process.ready()).toMatchObject({ port })
    expect(await readyOf(manager)).toEqual(READY)
    process.signal('SIGTERM')
    expect(await process.exit).toMatchObject({ code: 0 })
    expect(process.stderr).toBe('')
  })

  it('is served where it imports the very copy of the preload behind a server that listens', async () => {
    const listener = passed()
    const { process } = run('plain-before-core.mjs', [listener], { PORT: String(listener.port) })
    expect(await process.ready()).toMatchObject({ served: 'inherited' })
    expect(process.stderr).toBe('')
  })
})

describe('processes and threads of the program', () => {
  it('a worker thread is left to Node', async () => {
    const SERVERS = JSON.stringify([{ at: freePort() }])
    const { process } = run('plain-worker.mjs', [], { SERVERS })
    expect(await process.ready()).toMatchObject({ servers: [{ served: false }] })
    expect(process.stderr).toBe('')
  })

  it('the primary of a cluster warns, and names --workers', async () => {
    const listener = passed()
    const SERVERS = JSON.stringify([{ at: listener.port }])
    const { process } = run('plain-cluster.mjs', [listener], { SERVERS })
    expect(await process.ready()).toMatchObject({ servers: [{ code: 'EADDRINUSE' }] })
    expect(process.stderr).toMatch(
      new RegExp(
        `the program serves \\[::\\]:${listener.port} by workers of node:cluster, .* --workers N`,
      ),
    )
  })
})

describe('without a socket', () => {
  it('serves what binds a port of its own, and nothing at port 0', async () => {
    const port = freePort()
    const { report, process, manager } = await start([], [{ at: port }, { at: 0 }, { at: [] }])
    expect(report.servers.map(({ served }) => served)).toEqual([true, false, false])
    expect(process.stderr).toBe('')
    expect(await readyOf(manager)).toEqual(READY)
  })

  it('leaves the servers of a child process to Node, which has inherited NODE_OPTIONS', async () => {
    const CHILD = JSON.stringify([{ at: freePort() }])
    const { report, process } = await start([], [{ at: freePort() }], { CHILD })
    expect(report.children[0]?.servers).toMatchObject([{ served: false }])
    expect(process.stderr).toBe('')
  })
})

const WARNING = (asked: string, port: number): string =>
  `socket-port: warning: the program asked for ${asked}, but the manager keeps [::]:${port}, which no server has ` +
  'taken. Make the two agree. Where the program chooses another port because its own seems busy, set ' +
  'SOCKET_PORT_REGISTER_TAKE=first: then its first HTTP server gets the first socket\n'
