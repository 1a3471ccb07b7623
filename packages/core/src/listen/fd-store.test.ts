import { once } from 'node:events'
import { closeSync, lstatSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ListenOptions, Logger } from '../base/types.ts'
import { attach, serviceOf } from '../service/attach.ts'
import { loadLibc } from '../sockets/libc.ts'
import { nativeSystem } from '../sockets/native.ts'
import { ManagerSocket, type Received, startedWith } from '../testing/manager-socket.ts'
import {
  closeAll,
  descriptors,
  linkOf,
  onClose,
  openClient,
  temporaryDirectory,
} from '../testing/real-sockets.ts'
import { inheritedSockets } from './inherited-sockets.ts'
import { listen, listenFd } from './listen.ts'
import type { Entry } from './passed-sockets.ts'

vi.mock('../sockets/libc.ts', async (original) => {
  const real: typeof import('../sockets/libc.ts') = await original()
  return { ...real, loadLibc: vi.fn(real.loadLibc) }
})

const key = Symbol.for('@socket-port/core/inherited-sockets/1')
const globals = globalThis as { [key]?: { entries: Entry[] } & Record<string, unknown> }

const messages: string[] = []
const keep = (message: string): void => void messages.push(message)
const logger: Logger = { debug: () => {}, info: keep, warn: keep, error: keep }

function startAnew(): void {
  for (const { fd } of globals[key]?.entries ?? []) closeSync(fd)
  delete globals[key]
  messages.length = 0
}

afterEach(async () => {
  vi.useRealTimers()
  await closeAll()
  startAnew()
  for (const name of ['FDSTORE', 'INVOCATION_ID', 'SYSTEMD_EXEC_PID']) delete process.env[name]
})

const portOf = (server: Server): number => (server.address() as AddressInfo).port

async function started(options: ListenOptions): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  onClose(() => new Promise((closed) => server.close(closed)))
  return await listen(server, { logger, fdStore: true, ...options })
}

const closed = (server: Server): Promise<unknown> => new Promise((resolve) => server.close(resolve))

describe(...requireOrSkip('fdStore', linuxSkipReason()), () => {
  let manager: ManagerSocket
  let kept: Received[]

  beforeEach(() => {
    manager = new ManagerSocket()
    kept = []
    startedWith({ NOTIFY_SOCKET: manager.address })
    process.env.FDSTORE = '8'
  })

  /** What the manager has been told, and keeps. */
  function told(): string[] {
    const received = manager.received()
    for (const { fds } of received) for (const fd of fds) onClose(() => closeSync(fd))
    kept.push(...received.filter(({ fds }) => fds.length > 0))
    return received.map(({ text }) => text)
  }

  /** This process is the next one, which inherits what the manager keeps. */
  function restarted(): void {
    told()
    startAnew()
    const system = nativeSystem(loadLibc())
    const entries = kept.map(({ text, fds: [fd = -1] }): Entry => {
      const [, fdname = '', name = ''] =
        /FDNAME=(socket-port\/listener\/([^/]*)\/.*)/.exec(text) ?? []
      const own = system.duplicate(fd) ?? -1
      const facts = system.describe(own)
      if (typeof facts === 'string') throw new Error(facts)
      return {
        ...facts,
        fd: own,
        name: name || 'unknown',
        fdname,
        origin: 'stored',
        state: { kind: 'unclaimed' },
      }
    })
    globals[key] = { entries, system }
  }

  it('tells the manager name and address, with the listening socket', async () => {
    const server = await started({ port: 0, name: 'web' })
    const port = portOf(server)
    expect(told()).toEqual([`FDSTORE=1\nFDNAME=socket-port/listener/web/[%3A%3A]%3A${port}`])
    expect(nativeSystem(loadLibc()).describe(kept[0]?.fds[0] ?? -1)).toMatchObject({
      listening: true,
      port,
      backlog: 1024,
    })
    expect(messages).toEqual([`listening on [::]:${port}, which the manager keeps over a restart`])
    await openClient({ port })
  })

  it("calls Node's listen before listen returns", () => {
    const server = createServer()
    const listening = listen(server, { fdStore: true, logger })
    expect(server.listening).toBe(true)
    onClose(() => closed(server))
    return listening
  })

  it('stores the socket of an attached server, whose listen stays synchronous', async () => {
    const server = createServer()
    attach(server, { fdStore: true, logger, signals: false, exit: false })
    const listening = once(server, 'listening')
    server.listen(0)
    onClose(() => closed(server))
    const port = portOf(server)
    await listening
    await new Promise((turn) => setImmediate(turn))
    expect(told().filter((text) => text.startsWith('FDSTORE'))).toEqual([
      `FDSTORE=1\nFDNAME=socket-port/listener//[%3A%3A]%3A${port}`,
    ])
    expect(serviceOf(server)).toMatchObject({ source: 'bound', port })
  })

  it('inherits the socket in the next process, and does not store it again', async () => {
    const first = await started({ port: 0 })
    const port = portOf(first)
    await closed(first)
    restarted()
    const server = await started({ port })
    expect(portOf(server)).toBe(port)
    expect(messages).toEqual([
      expect.stringMatching(/^listening on \[::\]:\d+, inherited from the fd store as fd \d+$/),
    ])
    expect(told()).toEqual([])
    expect(inheritedSockets({ logger })).toMatchObject([{ port, stored: true, taken: true }])
  })

  it('listens again on a stored socket, in one process', async () => {
    const server = await started({ port: 0 })
    const port = portOf(server)
    expect(inheritedSockets({ logger })).toEqual([])
    await closed(server)
    expect(portOf(await started({ port }))).toBe(port)
    expect(told()).toHaveLength(1)
    expect(messages[1]).toBe(messages[0])
  })

  it('leaves a unix path in place when it closes', async () => {
    const path = join(temporaryDirectory(), 'app.sock')
    const server = await started({ path, mode: 0o600 })
    expect(server.address()).toBe(path)
    expect(told()).toEqual([`FDSTORE=1\nFDNAME=socket-port/listener//unix%3A${path}`])
    await closed(server)
    restarted()
    await started({ path })
    await openClient({ path })
    expect(lstatSync(path).mode & 0o777).toBe(0o600)
  })

  it('binds another socket if the port has changed, and closes the stored one later', async () => {
    const old = await started({ port: 0, name: 'web' })
    const port = portOf(old)
    await closed(old)
    restarted()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const server = await started({ port: 0, name: 'admin' })
    expect(portOf(server)).not.toBe(port)
    await new Promise((turn) => setImmediate(() => setImmediate(turn)))
    vi.advanceTimersByTime(9_999)
    // No process accepts it, and it is reset with the socket.
    const waiting = await openClient({ port })
    waiting.socket.on('error', () => {})
    told()
    vi.advanceTimersByTime(1)
    expect(told()).toEqual([`FDSTOREREMOVE=1\nFDNAME=socket-port/listener/web/[%3A%3A]%3A${port}`])
    // Though the manager has not closed its own yet.
    await expect(openClient({ port })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(messages.at(-1)).toMatch(
      /^closed fd \d+ "web" \[::\]:\d+: an earlier process of the service stored it/,
    )
  })

  it('keeps a stored socket that another server of the process takes later', async () => {
    const old = [await started({ port: 0 }), await started({ port: 0 })]
    const ports = old.map(portOf)
    await Promise.all(old.map(closed))
    restarted()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    for (const port of ports) {
      await started({ port })
      await new Promise((turn) => setImmediate(() => setImmediate(turn)))
      vi.advanceTimersByTime(9_999)
    }
    vi.advanceTimersByTime(10_000)
    expect(told()).toEqual([])
  })

  it('closes a stored socket that blocks the same port on another address', async () => {
    const old = await started({ port: 0 })
    const port = portOf(old)
    await closed(old)
    restarted()
    const server = await started({ port, host: '127.0.0.1' })
    expect(server.address()).toMatchObject({ address: '127.0.0.1', port })
    expect(told()).toEqual([
      `FDSTOREREMOVE=1\nFDNAME=socket-port/listener//[%3A%3A]%3A${port}`,
      `FDSTORE=1\nFDNAME=socket-port/listener//127.0.0.1%3A${port}`,
    ])
  })

  it('always binds with inherit: never, also a unix path', async () => {
    const path = join(temporaryDirectory(), 'app.sock')
    const old = [await started({ port: 0 }), await started({ path })]
    const port = portOf(old[0] as Server)
    await Promise.all(old.map(closed))
    restarted()
    await started({ port, inherit: 'never', fdStore: false })
    await started({ path, inherit: 'never', fdStore: false })
    await openClient({ port })
    await openClient({ path })
    expect(told()).toEqual([
      expect.stringContaining('FDSTOREREMOVE=1'),
      expect.stringContaining('FDSTOREREMOVE=1'),
    ])
  })

  it('leaves nothing behind if the server cannot listen', async () => {
    const before = descriptors('socket:').map(linkOf)
    const server = createServer()
    const listening = listen(server, { fdStore: true, logger })
    server.close()
    await expect(listening).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_CLOSED' })
    expect(descriptors('socket:').map(linkOf)).toEqual(before)
    expect(told()).toEqual([])
  })

  it('fails as listen does if the port is taken', async () => {
    const server = await started({ port: 0, fdStore: false })
    await expect(started({ port: portOf(server) })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(told()).toEqual([])
  })

  it('warns if the manager keeps fewer', async () => {
    vi.resetModules()
    const { listen } = await import('./listen.ts')
    const { loadLater } = await import('../base/later.ts')
    await loadLater()
    process.env.FDSTORE = '1'
    for (let count = 0; count < 3; count += 1) {
      const server = await listen({ port: 0, fdStore: true, logger })
      onClose(() => closed(server))
    }
    expect(messages.filter((message) => !message.startsWith('listening'))).toEqual([
      'fdStore: the manager keeps 1 descriptor of this unit, and 2 are stored: the others are closed at ' +
        'a restart. Set FileDescriptorStoreMax=2 or more in the unit',
    ])
    told()
  })

  it('binds without storing, with a warning, if there is no native code', async () => {
    vi.mocked(loadLibc).mockImplementationOnce(() => {
      throw new Error('no addons')
    })
    await openClient({ port: portOf(await started({ port: 0 })) })
    expect(messages[0]).toMatch(/^fdStore has no effect: .*libc cannot be used \(no addons\)/)
    expect(told()).toEqual([])
  })
})

describe('fdStore without a manager', () => {
  beforeEach(() => startedWith())

  it('binds without storing, and logs nothing', async () => {
    await openClient({ port: portOf(await started({ port: 0 })) })
    expect(messages).toEqual([expect.stringMatching(/^listening on \[::\]:\d+$/)])
  })

  it.each([
    [{ INVOCATION_ID: 'x' }, 1],
    [{ INVOCATION_ID: 'x', SYSTEMD_EXEC_PID: String(process.pid) }, 1],
    // A shell in a terminal that systemd has started.
    [{ INVOCATION_ID: 'x', SYSTEMD_EXEC_PID: '1' }, 0],
  ])('warns as the main process of a unit: %j', async (variables, warnings) => {
    Object.assign(process.env, variables)
    await started({ port: 0 })
    const expected = expect.stringMatching(
      /^fdStore has no effect: NOTIFY_SOCKET is not set.*FileDescriptorStoreMax=/,
    )
    expect(messages.slice(0, -1)).toEqual(warnings === 1 ? [expected] : [])
  })

  it.each<ListenOptions>([
    { inherit: 'never' },
    { name: 'n'.repeat(181) },
    { path: `/${'p'.repeat(50)}/../${'p'.repeat(107)}` },
  ])('cannot be asked for with %j', (options) => {
    expect(() => listenFd({ port: 0, ...options, fdStore: true })).toThrowError(
      expect.objectContaining({
        message: expect.stringMatching(/where fdStore is true|at most 107/),
      }),
    )
  })
})
