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
import { afterEach, describe, expect, it, vi } from 'vitest'
import { F_DUPFD_CLOEXEC } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'
import { writeBatchHeader } from './batch-header.ts'
import type { Received } from './fd-queue.ts'
import { type Batch, Receiver } from './receiver.ts'

const SO_KEEPALIVE = [1, 9] as const
const TCP_NODELAY = [6, 1] as const

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }

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

interface Orphan {
  client: RawConnection
  fd: number
}

/** A client that has connected to the server, and the descriptor of its far end, which no process serves. */
async function orphan(server: NetServer & { port: number }, host = '127.0.0.1'): Promise<Orphan> {
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
async function orphanOfNobody(bound = '::', host?: string): Promise<Orphan & { port: number }> {
  const server = createNetServer().listen(0, bound)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const found = await orphan(Object.assign(server, { port }), host)
  server.close()
  return { ...found, port }
}

/** What a line gives that has these messages. */
function line(...messages: Received[]): () => Received | undefined {
  return () => messages.shift()
}

const batch = (port: number, fds: number[], address = '::', promise = 5_000): Received => ({
  bytes: writeBatchHeader({ port, address, promise }),
  fds,
  truncated: false,
})

describe.runIf(process.platform === 'linux')('connections of the process before', () => {
  it('go to the server that listens where theirs did', async () => {
    const [a, b] = [await listening('a'), await listening('b')]
    const [first, second] = [await orphan(b), await orphan(a)]
    const receiver = new Receiver()
    receiver.join(a)
    receiver.join(b)
    const messages = line(batch(b.port, [first.fd]), batch(a.port, [second.fd]))
    expect(await receiver.receive(messages, logger)).toBe(true)
    first.client.send(get('/1'))
    second.client.send(get('/2'))
    await first.client.receive(/b \/1$/)
    await second.client.receive(/a \/2$/)
    expect(logger.info).toHaveBeenCalledWith('received 1 connection of the process before')
  })

  it('wait for a server that does not listen yet', async () => {
    const { client, fd, port } = await orphanOfNobody()
    const receiver = new Receiver()
    await receiver.receive(line(batch(port, [fd])), logger)
    client.send(get('/early'))
    receiver.join(await listening('other'))
    receiver.join(await listening('late', { port }))
    await client.receive(/late \/early$/)
  })

  it('are closed in the end where no server listens there', async () => {
    const server = await listening('other')
    const { client, fd, port } = await orphanOfNobody()
    const receiver = new Receiver(0)
    receiver.join(server)
    // Whatever its header says.
    await receiver.receive(line(batch(server.port, [fd])), logger)
    await client.closed
    expect(logger.info).toHaveBeenLastCalledWith(
      `closed 1 connection of the process before, made to 127.0.0.1:${port}: ` +
        'no server of this process takes connections there',
    )
  })

  it('stay in the line when the process is about to end', async () => {
    const receiver = new Receiver()
    receiver.stop()
    const next = vi.fn()
    expect(await receiver.receive(next, logger)).toBe(false)
    expect(next).not.toHaveBeenCalled()
  })

  it('are kept for as long as was promised, then closed', async () => {
    const server = await listening('short')
    server.keepAliveTimeout = 10
    const [silent, asking] = [await orphan(server), await orphan(server)]
    const receiver = new Receiver()
    receiver.join(server)
    await receiver.receive(line(batch(server.port, [silent.fd, asking.fd], '::', 60)), logger)
    asking.client.send(get('/in-time'))
    await asking.client.receive(/short \/in-time$/)
    await silent.client.closed
    expect(silent.client.error).toBeUndefined()
  })

  it('are kept for as long as was promised, also where the server has a shorter timeout', async () => {
    const server = await listening('strict')
    server.keepAliveTimeout = 10
    server.timeout = 20
    const { client, fd } = await orphan(server)
    const receiver = new Receiver()
    receiver.join(server)
    await receiver.receive(line(batch(server.port, [fd], '::', 30_000)), logger)
    // A connection that the server accepted itself is timed out: then the other one would be too.
    const fresh = await RawConnection.open(server.port)
    await fresh.closed
    client.send(get('/later'))
    await client.receive(/strict \/later$/)
  })

  it('go back to whoever hands over where no server has taken them yet', async () => {
    const { client, fd, port } = await orphanOfNobody()
    const first = new Receiver(0)
    await first.receive(line(batch(1, [fd])), logger)
    first.stop()
    const given: Batch[] = []
    first.forwardUnclaimed((each) => given.push(each))
    const later = await orphanOfNobody()
    first.takeAll(line(batch(2, [later.fd])), logger)
    expect(given.map(({ header }) => header.port)).toEqual([1, 2])
    const second = new Receiver()
    for (const each of [port, later.port]) second.join(await listening('next', { port: each }))
    for (const { fds } of given) await second.receive(line(batch(1, fds)), logger)
    for (const each of [client, later.client]) {
      each.send(get('/again'))
      await each.receive(/next \/again$/)
    }
  })

  it('are all taken at once from a line that ends with the process', async () => {
    const server = await listening('last')
    const { client, fd } = await orphan(server)
    const receiver = new Receiver()
    receiver.join(server)
    const waiting = line(batch(server.port, [fd]))
    receiver.onStop(() => receiver.takeAll(waiting, logger))
    const forgotten = vi.fn()
    receiver.onStop(forgotten)()
    receiver.stop()
    expect(receiver.received).toBe(1)
    expect(forgotten).not.toHaveBeenCalled()
    const late = vi.fn()
    receiver.onStop(late)
    expect(late).toHaveBeenCalledOnce()
    client.send(get('/passed'))
    await client.receive(/last \/passed$/)
  })

  it.each([
    ['that was promised', 5_000, Number.POSITIVE_INFINITY],
    ['of the server', 2 ** 31, 5_000],
  ])('are kept for ever where the time %s is longer than any timer', async (_, own, promise) => {
    const server = await listening('patient')
    server.keepAliveTimeout = own
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const { client, fd } = await orphan(server)
    const receiver = new Receiver()
    receiver.join(server)
    const bytes = Buffer.from(JSON.stringify({ port: server.port, address: '::', promise }))
    await receiver.receive(line({ bytes, fds: [fd], truncated: false }), logger)
    expect(timers).not.toHaveBeenCalled()
    timers.mockRestore()
    server.keepAliveTimeout = 5_000
    client.send(get('/later'))
    await client.receive(/patient \/later$/)
  })

  it('are missed aloud, once, where the process may not have so many files open', async () => {
    const server = await listening('small')
    const receiver = new Receiver()
    receiver.join(server)
    const truncated = { ...batch(server.port, []), truncated: true }
    logger.info.mockClear()
    await receiver.receive(line(truncated, { ...truncated }), logger)
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const [, limit] = /^Max open files +(\d+)/m.exec(limits) ?? []
    expect(logger.warn.mock.calls).toEqual([
      [
        'not all connections of the process before are taken, and the rest is closed: this process may have ' +
          `no more than ${limit} files open; raise LimitNOFILE= in the unit (ulimit -n) to what the connections need`,
      ],
    ])
    logger.warn.mockClear()
    expect(logger.info).not.toHaveBeenCalled()
  })

  it('get the options that the server sets on what it accepts', async () => {
    const { fd, port } = await orphanOfNobody()
    const options = { keepAlive: true, noDelay: true }
    const server = await listening('set', { port, options })
    const libc = loadLibc()
    const optionsNow = (): unknown[] =>
      [SO_KEEPALIVE, TCP_NODELAY].map(([level, name]) => libc.getsockopt(fd, level, name)?.[0])
    expect(optionsNow()).toEqual([0, 0])
    const receiver = new Receiver()
    receiver.join(server)
    await receiver.receive(line(batch(server.port, [fd])), logger)
    expect(optionsNow()).toEqual([1, 1])
  })

  it('survive a descriptor among them that is no connection', async () => {
    const server = await listening('robust')
    const { client, fd } = await orphan(server)
    const file = openSync('/dev/null', 'r')
    const receiver = new Receiver()
    receiver.join(server)
    await receiver.receive(line(batch(server.port, [file, fd])), logger)
    expect(() => fstatSync(file)).toThrow('EBADF')
    client.send(get('/still'))
    await client.receive(/robust \/still$/)
  })

  it('are not mistaken for other messages', async () => {
    const { client, fd } = await orphanOfNobody()
    const receiver = new Receiver()
    await receiver.receive(
      line({ bytes: Buffer.from('hello'), fds: [fd], truncated: false }),
      logger,
    )
    await client.closed
  })
})

describe.runIf(process.platform === 'linux')(
  'a connection belongs to the listener that its own address fits',
  () => {
    it('and not to one on another address of the port, which listens first', async () => {
      const { client, fd, port } = await orphanOfNobody('127.0.0.2', '127.0.0.2')
      const admin = await listening('admin', { host: '127.0.0.1', port })
      const receiver = new Receiver()
      receiver.join(admin)
      // Nor does the header count, which may be of a server that has moved.
      await receiver.receive(line(batch(port, [fd], '127.0.0.1')), logger)
      client.send(get('/mine'))
      const own = await orphan(admin)
      await receiver.receive(line(batch(port, [own.fd], '127.0.0.2')), logger)
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
      const orphans = [
        await orphan(open, '127.0.0.2'),
        await orphan(admin),
        await orphan(open, '127.0.0.2'),
      ]
      const receiver = new Receiver()
      for (const server of [admin, open]) receiver.join(server)
      await receiver.receive(
        line(
          batch(
            port,
            orphans.map(({ fd }) => fd),
          ),
        ),
        logger,
      )
      for (const { client } of orphans) client.send(get('/'))
      const answers = await Promise.all(
        orphans.map(({ client }) => client.receive(/(admin|public) \/$/)),
      )
      const served = answers.map((answer) => /(\w+) \/$/.exec(answer)?.[1])
      expect(served).toEqual(['public', 'admin', 'public'])
    })

    it('and is closed where the server has moved from all addresses to another one', async () => {
      const before = await listening('before')
      const [gone, stays] = [await orphan(before, '127.0.0.2'), await orphan(before)]
      await new Promise((resolve) => before.close(resolve))
      const after = await listening('after', { host: '127.0.0.1', port: before.port })
      const receiver = new Receiver(0)
      receiver.join(after)
      gone.client.send(get('/secret'))
      await receiver.receive(line(batch(before.port, [gone.fd, stays.fd])), logger)
      await gone.client.closed
      expect(gone.client.text).toBe('')
      stays.client.send(get('/still'))
      await stays.client.receive(/after \/still$/)
    })

    it.each([
      ['0.0.0.0', '::', 'in IPv6 form'],
      ['::', '0.0.0.0', 'in IPv4 form'],
    ])('%s, where another server than that of %s had accepted it (%s)', async (now, then) => {
      const { client, fd, port } = await orphanOfNobody(then)
      const receiver = new Receiver()
      receiver.join(await listening('wide', { host: now, port }))
      await receiver.receive(line(batch(port, [fd], then)), logger)
      client.send(get('/'))
      await client.receive(/wide \/$/)
    })

    it('and not to IPv6 alone, where it is of IPv4', async () => {
      const { client, fd, port } = await orphanOfNobody()
      const only = createServer((_, response) => void response.end('only')).listen({
        ...{ port, host: '::', ipv6Only: true },
      })
      await once(only, 'listening')
      cleanups.push(() => only.close())
      const receiver = new Receiver()
      receiver.join(only)
      await receiver.receive(line(batch(port, [fd])), logger)
      client.send(get('/'))
      receiver.join(await listening('four', { host: '0.0.0.0', port }))
      await client.receive(/four \/$/)
    })

    it('and to no server where that listener takes none', async () => {
      const { client, fd, port } = await orphanOfNobody('127.0.0.2', '127.0.0.2')
      const other = createNetServer().listen({ port, host: '127.0.0.2' })
      await once(other, 'listening')
      const receiver = new Receiver(0)
      const leave = receiver.join(other)
      await receiver.receive(line(batch(port, [fd])), logger)
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
      const { client, fd, port } = await orphanOfNobody('127.0.0.2', '127.0.0.2')
      const leave = [one.receiver().join(await listening('one', { host: '127.0.0.1', port }))]
      await one.receiver().receive(line(batch(port, [fd], '127.0.0.1')), logger)
      client.send(get('/'))
      leave.push(two.receiver().join(await listening('two', { host: '127.0.0.2', port })))
      await client.receive(/two \/$/)
      for (const each of leave) each()
    })
  },
)
