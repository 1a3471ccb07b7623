import { once } from 'node:events'
import { fstatSync, openSync, readFileSync } from 'node:fs'
import { createServer, type Server, type ServerOptions } from 'node:http'
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { F_DUPFD_CLOEXEC } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'
import { writeBatchHeader } from './batch-header.ts'
import { writeContinuations } from './continuation-file.ts'
import type { QueueMessage } from './fd-queue.ts'
import { Receiver } from './receiver.ts'
import type { Batch } from './waiting-connections.ts'

const SO_KEEPALIVE = [1, 9] as const
const TCP_NODELAY = [6, 1] as const

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
afterEach(() => void vi.clearAllMocks())

type TestServer = Server & { port: number; host: string }

async function listening(
  name: string,
  {
    host = '::',
    port = 0,
    options = {},
  }: { host?: string; port?: number; options?: ServerOptions } = {},
): Promise<TestServer> {
  const server = createServer(
    options,
    (request, response) => void response.end(`${name} ${request.url}`),
  )
  await new Promise<void>((resolve) => server.listen({ port, host }, resolve))
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return Object.assign(server, { host, port: (server.address() as AddressInfo).port })
}

interface Unserved {
  client: RawConnection
  fd: number
}

/** A client that has connected to the server, and the descriptor of its far end, which no process serves. */
async function unservedBy(
  server: NetServer & { port: number },
  host = '127.0.0.1',
): Promise<Unserved> {
  const taken = new Promise<number>((resolve) => {
    server.prependOnceListener('connection', (socket: Socket & { _handle: { fd: number } }) => {
      resolve(loadLibc().fcntl(socket._handle.fd, F_DUPFD_CLOEXEC, 3))
      socket.destroy()
    })
  })
  const client = await RawConnection.open(server.port, host)
  cleanups.push(() => client.close())
  return { client, fd: await taken }
}

/** The same on a port where nothing listens any more. */
async function unserved(bound = '::', host?: string): Promise<Unserved & { port: number }> {
  const server = createNetServer().listen(0, bound)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const found = await unservedBy(Object.assign(server, { port }), host)
  server.close()
  return { ...found, port }
}

/** The messages of a queue, one after the other. */
function queueOf(...messages: QueueMessage[]): () => QueueMessage | undefined {
  return () => messages.shift()
}

/** A message with anything as its header. */
const message = (header: unknown, fds: number[]): QueueMessage => ({
  bytes: Buffer.from(JSON.stringify(header)),
  fds,
  bytesCut: false,
  fdsCut: false,
})

const batch = (fds: number[], promise = 5_000): QueueMessage => ({
  ...message({}, fds),
  bytes: writeBatchHeader({ kind: 'idle-http', connections: fds.length, promise }),
})

describe(...requireOrSkip('connections of the previous process', linuxSkipReason()), () => {
  it('go to the server that listens on the address of their own server', async () => {
    const [a, b] = [await listening('a'), await listening('b')]
    const [first, second] = [await unservedBy(b), await unservedBy(a)]
    const receiver = new Receiver()
    receiver.join(a)
    receiver.join(b)
    const messages = queueOf(batch([first.fd]), batch([second.fd]))
    expect(await receiver.receive(messages, logger)).toBe(true)
    first.client.send(get('/1'))
    second.client.send(get('/2'))
    await first.client.receive(/b \/1$/)
    await second.client.receive(/a \/2$/)
    expect(logger.debug).toHaveBeenCalledWith('received 1 connection of the previous process')
  })

  it('wait for a server that does not listen yet', async () => {
    const { client, fd, port } = await unserved()
    const receiver = new Receiver()
    await receiver.receive(queueOf(batch([fd])), logger)
    client.send(get('/early'))
    receiver.join(await listening('other'))
    expect(logger.debug).not.toHaveBeenCalled()
    receiver.join(await listening('late', { port }))
    await client.receive(/late \/early$/)
    expect(logger.debug).toHaveBeenCalledExactlyOnceWith(
      'received 1 connection of the previous process',
    )
  })

  it('are reported once, also if a server starts to listen while their queue is read', async () => {
    const [first, late] = [await unserved(), await unserved()]
    const receiver = new Receiver()
    const received = receiver.receive(queueOf(batch([first.fd]), batch([late.fd])), logger)
    for (const { port } of [first, late]) receiver.join(await listening('late', { port }))
    await received
    const line = 'received 1 connection of the previous process'
    expect(logger.debug.mock.calls).toEqual([[line], [line]])
  })

  it('are closed after a while if no server listens there', async () => {
    const server = await listening('other')
    const { client, fd, port } = await unserved()
    const receiver = new Receiver(0)
    receiver.join(server)
    await receiver.receive(queueOf(batch([fd])), logger)
    await client.closed
    expect(logger.info).toHaveBeenLastCalledWith(
      `closed 1 connection of the previous process, made to 127.0.0.1:${port}: ` +
        'no server of this process takes connections there',
    )
  })

  it('stay in the queue when the process is about to end', async () => {
    const receiver = new Receiver()
    receiver.stop()
    const next = vi.fn()
    expect(await receiver.receive(next, logger)).toBe(false)
    expect(next).not.toHaveBeenCalled()
  })

  it('are kept for as long as was promised, then closed', async () => {
    const server = await listening('short')
    server.keepAliveTimeout = 10
    const [silent, asking] = [await unservedBy(server), await unservedBy(server)]
    const receiver = new Receiver()
    receiver.join(server)
    await receiver.receive(queueOf(batch([silent.fd, asking.fd], 500)), logger)
    asking.client.send(get('/in-time'))
    await asking.client.receive(/short \/in-time$/)
    await silent.client.closed
    expect(silent.client.error).toBeUndefined()
  })

  it('are kept for as long as was promised, also where the server has a shorter timeout', async () => {
    const server = await listening('strict')
    server.keepAliveTimeout = 10
    server.timeout = 20
    const { client, fd } = await unservedBy(server)
    const receiver = new Receiver()
    receiver.join(server)
    await receiver.receive(queueOf(batch([fd], 30_000)), logger)
    // A connection that the server accepted itself is timed out: then the other one would be too.
    const fresh = await RawConnection.open(server.port)
    await fresh.closed
    client.send(get('/later'))
    await client.receive(/strict \/later$/)
  })

  it('go to the next process if no server has taken them yet', async () => {
    const { client, fd, port } = await unserved()
    const first = new Receiver(0)
    await first.receive(queueOf(batch([fd], 1_000)), logger)
    first.stop()
    const given: Batch[] = []
    first.forwardUnclaimed((each) => given.push(each))
    const later = await unserved()
    first.receiveAll(queueOf(batch([later.fd], 2_000)), logger)
    expect(given.map(({ promise }) => promise)).toEqual([1_000, 2_000])
    const second = new Receiver()
    for (const each of [port, later.port]) second.join(await listening('next', { port: each }))
    for (const { connections } of given) {
      await second.receive(queueOf(batch(connections.map(({ fd }) => fd))), logger)
    }
    for (const each of [client, later.client]) {
      each.send(get('/again'))
      await each.receive(/next \/again$/)
    }
  })

  it('are all received at once from a queue that ends with the process', async () => {
    const server = await listening('last')
    const { client, fd } = await unservedBy(server)
    const receiver = new Receiver()
    receiver.join(server)
    const waiting = queueOf(batch([fd]))
    receiver.onStop(() => receiver.receiveAll(waiting, logger))
    const cancelled = vi.fn()
    receiver.onStop(cancelled)()
    receiver.stop()
    expect(receiver.received).toBe(1)
    expect(cancelled).not.toHaveBeenCalled()
    const late = vi.fn()
    receiver.onStop(late)
    expect(late).toHaveBeenCalledOnce()
    client.send(get('/passed'))
    await client.receive(/last \/passed$/)
  })

  it.each([
    ['that was promised', 5_000, Number.POSITIVE_INFINITY],
    ['of the server', 2 ** 31, 5_000],
  ])(
    'are kept without end if the time %s is longer than any timer can hold',
    async (_, own, promise) => {
      const server = await listening('patient')
      server.keepAliveTimeout = own
      const timers = vi.spyOn(globalThis, 'setTimeout')
      const { client, fd } = await unservedBy(server)
      const receiver = new Receiver()
      receiver.join(server)
      await receiver.receive(queueOf(batch([fd], promise)), logger)
      expect(timers).not.toHaveBeenCalled()
      timers.mockRestore()
      server.keepAliveTimeout = 5_000
      client.send(get('/later'))
      await client.receive(/patient \/later$/)
    },
  )

  it('are closed with one warning where the process may not have so many files open', async () => {
    const server = await listening('small')
    const receiver = new Receiver()
    receiver.join(server)
    const bytes = writeBatchHeader({ kind: 'idle-http', connections: 2, promise: 5_000 })
    const { client, fd } = await unservedBy(server)
    const cut = { bytes, bytesCut: false, fdsCut: true }
    await receiver.receive(queueOf({ ...cut, fds: [] }, { ...cut, fds: [fd] }), logger)
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const [, limit] = /^Max open files +(\d+)/m.exec(limits) ?? []
    expect(logger.warn.mock.calls).toEqual([
      [
        'not all connections of the previous process are received, and the rest is closed: this process may have ' +
          `no more than ${limit} files open; raise LimitNOFILE= in the unit (ulimit -n) to what the connections need`,
      ],
    ])
    // Those that have come are served.
    expect(logger.debug.mock.calls).toEqual([['received 1 connection of the previous process']])
    client.send(get('/'))
    await client.receive(/small \/$/)
  })

  it('get the options that the server sets on what it accepts', async () => {
    const { fd, port } = await unserved()
    const options = { keepAlive: true, noDelay: true }
    const server = await listening('set', { port, options })
    const libc = loadLibc()
    const optionsNow = (): unknown[] =>
      [SO_KEEPALIVE, TCP_NODELAY].map(([level, name]) => libc.getsockopt(fd, level, name)?.[0])
    expect(optionsNow()).toEqual([0, 0])
    const receiver = new Receiver()
    receiver.join(server)
    await receiver.receive(queueOf(batch([fd])), logger)
    expect(optionsNow()).toEqual([1, 1])
  })

  it('get their refusal, and are reported, if the server has maxConnections', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    cleanups.push(() => vi.useRealTimers())
    const continued = await unserved()
    const server = await listening('full', continued)
    const idle = await unservedBy(server)
    const first = await RawConnection.open(server.port)
    cleanups.push(() => first.close())
    first.send(get('/'))
    await first.receive(/full/)
    server.maxConnections = 1
    const [replay, refusal] = [Buffer.from(get('/ws')), Buffer.from('bye')]
    const { fd: file, key } = writeContinuations(loadLibc(), [
      { kind: 'webSockets', replay, refusal, framing: '101', attachment: undefined },
    ])
    const header = writeBatchHeader({ kind: 'continued', connections: 1, key })
    const receiver = new Receiver()
    receiver.join(server)
    const next = queueOf({ ...message({}, [file, continued.fd]), bytes: header }, batch([idle.fd]))
    await receiver.receive(next, logger)
    for (const { client } of [continued, idle]) await client.closed
    expect([continued.client.text, idle.client.text]).toEqual(['bye', ''])
    vi.advanceTimersByTime(1_000)
    expect(logger.warn.mock.calls).toEqual([
      [
        'closed 2 connections that the previous process handed over: the server has as many as its maxConnections (1); ' +
          'their clients connect anew',
      ],
    ])
    expect(receiver.received).toBe(0)
  })

  it('are received although one of their descriptors is no connection', async () => {
    const server = await listening('robust')
    const { client, fd } = await unservedBy(server)
    const file = openSync('/dev/null', 'r')
    const receiver = new Receiver()
    receiver.join(server)
    await receiver.receive(queueOf(batch([file, fd])), logger)
    expect(() => fstatSync(file)).toThrow('EBADF')
    client.send(get('/still'))
    await client.receive(/robust \/still$/)
  })
})

describe(
  ...requireOrSkip(
    'a connection belongs to the listener that its own address fits',
    linuxSkipReason(),
  ),
  () => {
    it('and not to one on another address of the port, which listens first', async () => {
      const { client, fd, port } = await unserved('127.0.0.2', '127.0.0.2')
      const admin = await listening('admin', { host: '127.0.0.1', port })
      const receiver = new Receiver()
      receiver.join(admin)
      await receiver.receive(queueOf(batch([fd])), logger)
      client.send(get('/mine'))
      const own = await unservedBy(admin)
      await receiver.receive(queueOf(batch([own.fd])), logger)
      own.client.send(get('/own'))
      await own.client.receive(/admin \/own$/)
      expect([receiver.received, client.text]).toEqual([1, ''])
      receiver.join(await listening('public', { host: '127.0.0.2', port }))
      await client.receive(/public \/mine$/)
    })

    it('in one message, each to its own', async () => {
      const admin = await listening('admin', { host: '127.0.0.1' })
      const { port } = admin
      const open = await listening('public', { host: '127.0.0.2', port })
      const connections = [
        await unservedBy(open, '127.0.0.2'),
        await unservedBy(admin),
        await unservedBy(open, '127.0.0.2'),
      ]
      const receiver = new Receiver()
      for (const server of [admin, open]) receiver.join(server)
      await receiver.receive(queueOf(batch(connections.map(({ fd }) => fd))), logger)
      for (const { client } of connections) client.send(get('/'))
      const answers = await Promise.all(
        connections.map(({ client }) => client.receive(/(admin|public) \/$/)),
      )
      const served = answers.map((answer) => /(\w+) \/$/.exec(answer)?.[1])
      expect(served).toEqual(['public', 'admin', 'public'])
    })

    it('and is closed where the server has moved from all addresses to another one', async () => {
      const before = await listening('before')
      const [gone, stays] = [await unservedBy(before, '127.0.0.2'), await unservedBy(before)]
      await new Promise((resolve) => before.close(resolve))
      const after = await listening('after', { host: '127.0.0.1', port: before.port })
      const receiver = new Receiver(0)
      receiver.join(after)
      gone.client.send(get('/secret'))
      await receiver.receive(queueOf(batch([gone.fd, stays.fd])), logger)
      await gone.client.closed
      expect(gone.client.text).toBe('')
      stays.client.send(get('/still'))
      await stays.client.receive(/after \/still$/)
    })

    it.each([
      ['0.0.0.0', '::', 'in IPv6 form'],
      ['::', '0.0.0.0', 'in IPv4 form'],
    ])('%s, where another server than that of %s had accepted it (%s)', async (now, then) => {
      const { client, fd, port } = await unserved(then)
      const receiver = new Receiver()
      receiver.join(await listening('wide', { host: now, port }))
      await receiver.receive(queueOf(batch([fd])), logger)
      client.send(get('/'))
      await client.receive(/wide \/$/)
    })

    it('and not to a listener of IPv6 alone, if it is of IPv4', async () => {
      const { client, fd, port } = await unserved()
      const only = createServer((_, response) => void response.end('only')).listen({
        port,
        host: '::',
        ipv6Only: true,
      })
      await once(only, 'listening')
      cleanups.push(() => only.close())
      const receiver = new Receiver()
      receiver.join(only)
      await receiver.receive(queueOf(batch([fd])), logger)
      client.send(get('/'))
      receiver.join(await listening('four', { host: '0.0.0.0', port }))
      await client.receive(/four \/$/)
    })

    it('and to no server if that listener receives none', async () => {
      const { client, fd, port } = await unserved('127.0.0.2', '127.0.0.2')
      const other = createNetServer().listen({ port, host: '127.0.0.2' })
      await once(other, 'listening')
      const receiver = new Receiver(0)
      const leave = receiver.join(other)
      await receiver.receive(queueOf(batch([fd])), logger)
      await client.closed
      leave()
      other.close()
      expect(receiver.received).toBe(0)
    })

    it('whichever copy of this package serves it', async () => {
      const one = await import('./receiver.ts')
      vi.resetModules()
      const two = await import('./receiver.ts')
      expect(two.receiver).not.toBe(one.receiver)
      const { client, fd, port } = await unserved('127.0.0.2', '127.0.0.2')
      const leave = [one.receiver().join(await listening('one', { host: '127.0.0.1', port }))]
      await one.receiver().receive(queueOf(batch([fd])), logger)
      client.send(get('/'))
      leave.push(two.receiver().join(await listening('two', { host: '127.0.0.2', port })))
      await client.receive(/two \/$/)
      for (const each of leave) each()
    })
  },
)

describe(...requireOrSkip('a batch that this version does not know', linuxSkipReason()), () => {
  const old = (promise: number) => ({ port: 1, address: '::', promise })
  const known = { version: 1, kind: 'idle-http', connections: 2, promise: 5_000 }
  const long = JSON.stringify({ ...known, padding: 'x'.repeat(1024) }).slice(0, 1024)

  it.each<[string, (fds: number[]) => QueueMessage, string]>([
    ['of the previous release', (fds) => message(old(5_000), fds), 'a header without a version'],
    [
      'of a later version',
      (fds) => message({ ...known, version: 2 }, fds),
      'version 2, kind "idle-http"',
    ],
    [
      'of another kind',
      (fds) => message({ ...known, kind: 'websocket' }, fds),
      'version 1, kind "websocket"',
    ],
    ['of garbage', (fds) => ({ ...message({}, fds), bytes: Buffer.of(0, 255) }), 'no header'],
    [
      'with a longer header',
      (fds) => ({ ...message({}, fds), bytes: Buffer.from(long), bytesCut: true }),
      'a header of more than 1024 bytes',
    ],
    [
      'with more descriptors than it says',
      (fds) => message({ ...known, connections: 1 }, fds),
      '2 descriptors for 1 connection',
    ],
    [
      'with fewer descriptors than it says',
      (fds) => message({ ...known, connections: 3 }, fds),
      '2 descriptors for 3 connections',
    ],
    [
      'with more descriptors than it says, and with lost ones',
      (fds) => ({ ...message(known, fds), fdsCut: true }),
      '2 descriptors for 2 connections',
    ],
  ])('%s is closed with a warning, and the next one is received', async (_, foreign, seen) => {
    const server = await listening('here')
    const [first, second] = [await unservedBy(server), await unservedBy(server)]
    const mine = await unservedBy(server)
    const receiver = new Receiver()
    receiver.join(server)
    for (const { client } of [first, second]) client.send(get('/lost'))
    const messages = queueOf(foreign([first.fd, second.fd]), batch([mine.fd]))
    expect(await receiver.receive(messages, logger)).toBe(true)
    for (const { client } of [first, second]) await client.closed
    expect([first.client.text, second.client.text]).toEqual(['', ''])
    for (const { fd } of [first, second]) expect(() => fstatSync(fd)).toThrow('EBADF')
    mine.client.send(get('/kept'))
    await mine.client.receive(/here \/kept$/)
    expect(logger.warn.mock.calls.map(([text]) => text)).toContain(
      `closed 2 connections of the previous process: their batch has ${seen}, and this version of ` +
        '@socket-port/core takes version 1, kinds "idle-http" and "continued". ' +
        "Restart once with drain: { idle: 'promise' } before you change to another version",
    )
  })

  it('is reported in one warning with others of the same header', async () => {
    const messages: QueueMessage[] = []
    for (const kind of ['websocket', 'event-stream', 'websocket']) {
      messages.push(message({ ...known, kind }, [(await unserved()).fd, (await unserved()).fd]))
    }
    const receiver = new Receiver()
    // The process shuts down: they do not go to the next process either, which might not know them.
    const forwarded = vi.fn()
    receiver.forwardUnclaimed(forwarded)
    receiver.receiveAll(queueOf(...messages), logger)
    expect(logger.warn.mock.calls).toEqual([
      [expect.stringMatching(/^closed 4 connections .* kind "websocket", and/)],
      [expect.stringMatching(/^closed 2 connections .* kind "event-stream", and/)],
    ])
    expect(forwarded).not.toHaveBeenCalled()
  })

  it('without descriptors, such as the probe of a sender, is ignored', async () => {
    const probe = { ...message({}, []), bytes: Buffer.from('socket-port 4711') }
    expect(await new Receiver().receive(queueOf(probe), logger)).toBe(true)
    expect(logger.warn).not.toHaveBeenCalled()
  })
})
