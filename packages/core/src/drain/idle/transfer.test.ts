import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import type { DrainOptions, DrainResult } from '../../base/types.ts'
import { excuseSilence } from '../../node/request-timeouts.ts'
import { takeConnection } from '../../node/take-connection.ts'
import { F_DUPFD_CLOEXEC } from '../../sockets/constants.ts'
import { loadLibc } from '../../sockets/libc.ts'
import { ServerDrain } from '../drain.ts'
import { resolveDrain } from '../options.ts'
import { Barrier } from './barrier.ts'
import type { TransferTarget } from './transfer.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Keeps duplicates, as the kernel does with what is on its way through a unix socket. */
class TestTarget implements TransferTarget {
  readonly kept: number[] = []
  readonly barrier: Barrier = new Barrier()
  room: number
  accepts = true

  constructor(room = 1_000) {
    this.room = room
  }

  async send(fds: readonly number[]): Promise<boolean> {
    if (!this.accepts) return false
    const libc = loadLibc()
    this.kept.push(...fds.map((fd) => libc.fcntl(fd, F_DUPFD_CLOEXEC, 3)))
    this.room -= fds.length
    return true
  }

  sendContinued(): boolean {
    return false
  }
}

interface Fixture {
  server: Server
  target: TestTarget
  open(): Promise<RawConnection>
  drain(target?: TransferTarget): Promise<DrainResult>
  /** Sends what begins with a request of `/hold`; its response waits for the test. */
  hold(client: RawConnection, text: string): Promise<ServerResponse>
  /** A second server takes every connection that was kept. */
  succeed(): Socket[]
}

async function fixture(room?: number, options: DrainOptions = {}): Promise<Fixture> {
  const target = new TestTarget(room)
  const server = await listening((request, response) => {
    if (request.url !== '/hold') response.end(`old ${request.url}`)
  })
  const drain = new ServerDrain(server, resolveDrain({ idleTimeout: 50, ...options }))
  const { port } = server.address() as AddressInfo
  cleanups.push(
    () => drain.force(),
    () => target.kept.forEach(closeSync),
  )
  const successor = await listening((request, response) => {
    response.end(`new ${request.url}`)
  })
  return {
    server,
    target,
    async hold(client, text) {
      const asked = once(server, 'request')
      client.send(text)
      const [, response] = await asked
      return response
    },
    async open() {
      const connection = await RawConnection.open(port)
      cleanups.push(() => connection.close())
      connection.send(get('/first'))
      await connection.receive(/old \/first$/)
      return connection
    },
    drain: (other = target) => drain.begin({ findTarget: async () => other }),
    succeed: () => target.kept.splice(0).flatMap((fd) => takeConnection(successor, fd) ?? []),
  }
}

/** Has one idle connection, of a unix socket. */
async function unixServer(): Promise<Pick<Fixture, 'drain'>> {
  const server = createServer()
  const path = join(tmpdir(), `transfer-${process.pid}.sock`)
  const drain = new ServerDrain(server, resolveDrain({ idleTimeout: 200 }))
  const accepted = once(server.listen(path), 'connection')
  const client = connect(path)
  cleanups.push(
    () => client.destroy(),
    () => drain.force(),
  )
  await accepted
  return { drain: (target) => drain.begin({ findTarget: async () => target }) }
}

async function listening(handler: RequestListener): Promise<Server> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, resolve))
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return server
}

describe(...requireOrSkip('an idle connection that is handed over', linuxSkipReason()), () => {
  it('is served by the next process, and the client sees no close', async () => {
    const { open, drain, succeed } = await fixture()
    const clients = await Promise.all([open(), open(), open()])
    expect(await drain()).toMatchObject({ graceful: true, handedOver: 3, expired: 0, forced: 0 })
    const [first] = clients
    first?.send(get('/waits-in-the-kernel'))
    succeed()
    expect(await first?.receive(/new \/waits-in-the-kernel$/)).toMatch(/connection: keep-alive/i)
    for (const client of clients) {
      client.send(get('/again'))
      await client.receive(/new \/again$/)
    }
  })

  it('goes after its response when one is in flight', async () => {
    const { open, hold, drain, succeed } = await fixture()
    const client = await open()
    const held = await hold(client, get('/hold'))
    const drained = drain()
    held.end('held')
    expect(await client.receive(/held$/)).toMatch(/connection: keep-alive/i)
    expect(await drained).toMatchObject({ handedOver: 1, served: 1 })
    succeed()
    client.send(get('/again'))
    await client.receive(/new \/again$/)
  })

  it('is served here while a request from before the drain is answered, as new connections are', async () => {
    const { server, open, hold, drain, succeed } = await fixture()
    const [busy, idle] = [await open(), await open()]
    const held = await hold(busy, get('/hold'))
    const drained = drain()
    const newClient = await open()
    idle.send(get('/meanwhile'))
    expect(await idle.receive(/old \/meanwhile$/)).toMatch(/connection: keep-alive/i)
    expect(server.listening).toBe(true)
    held.end('held')
    await busy.receive(/held$/)
    expect(await drained).toMatchObject({ handedOver: 3, served: 3 })
    succeed()
    for (const client of [busy, idle, newClient]) {
      client.send(get('/again'))
      await client.receive(/new \/again$/)
    }
  })

  it('is served here while another server has connections that cannot be handed over', async () => {
    const first = await fixture()
    const second = await fixture()
    const [idle, stays] = [await first.open(), await second.open()]
    const { barrier } = first.target
    const drained = second.drain({
      barrier,
      room: 0,
      send: async () => false,
      sendContinued: () => false,
    })
    const handedOver = first.drain()
    idle.send(get('/meanwhile'))
    await idle.receive(/old \/meanwhile$/)
    await stays.closed
    expect(await drained).toMatchObject({ handedOver: 0, expired: 1 })
    expect(await handedOver).toMatchObject({ handedOver: 1, served: 1 })
  })

  it('is served here while another server has an idle connection of a unix socket', async () => {
    const first = await fixture()
    const second = await unixServer()
    const idle = await first.open()
    const { barrier } = first.target
    const drained = second.drain(Object.assign(new TestTarget(), { barrier }))
    const handedOver = first.drain()
    // Served, so the drain has begun.
    await first.open()
    idle.send(get('/meanwhile'))
    await idle.receive(/old \/meanwhile$/)
    expect(await drained).toMatchObject({ handedOver: 0, expired: 1 })
    expect(await handedOver).toMatchObject({ handedOver: 2, served: 2 })
  })

  it('waits for another server no longer than its own drain accepts', async () => {
    const [slow, quick] = [
      await fixture(),
      await fixture(undefined, { timeout: 2_000, idleTimeout: 1_000 }),
    ]
    const [busy, idle] = [await slow.open(), await quick.open()]
    const held = await slow.hold(busy, get('/hold'))
    const drained = slow.drain()
    const { barrier } = slow.target
    expect(await quick.drain(Object.assign(quick.target, { barrier }))).toMatchObject({
      graceful: true,
      handedOver: 1,
    })
    quick.succeed()
    idle.send(get('/again'))
    await idle.receive(/new \/again$/)
    held.end('held')
    expect(await drained).toMatchObject({ graceful: true })
  })

  it('goes after the last of its pipelined responses', async () => {
    const { open, hold, drain, succeed } = await fixture()
    const client = await open()
    const held = await hold(client, get('/hold') + get('/second'))
    const drained = drain()
    held.end('held')
    await client.receive(/held.*old \/second$/s)
    expect(await drained).toMatchObject({ handedOver: 1 })
    succeed()
    client.send(get('/third'))
    await client.receive(/new \/third$/)
  })

  it('stays until its request is whole when half a header has come', async () => {
    const { open, drain, succeed } = await fixture()
    const client = await open()
    client.send('GET /half HTTP/1.1\r\nHo')
    // Answered later than the half header was read: both are of one event loop.
    const other = await open()
    const drained = drain()
    client.send('st: test\r\n\r\n')
    expect(await client.receive(/old \/half$/)).toMatch(/connection: keep-alive/i)
    expect(await drained).toMatchObject({ handedOver: 2, served: 1 })
    other.close()
    succeed()
    client.send(get('/again'))
    await client.receive(/new \/again$/)
  })

  it('stays until its next request is whole when half of it came with the last one', async () => {
    const { open, hold, drain, succeed } = await fixture()
    const client = await open()
    const held = await hold(client, `${get('/hold')}GET /half HTTP/1.1\r\nHo`)
    const drained = drain()
    held.end('held')
    await client.receive(/held$/)
    client.send('st: test\r\n\r\n')
    await client.receive(/old \/half$/)
    expect(await drained).toMatchObject({ handedOver: 1, served: 2 })
    succeed()
    client.send(get('/again'))
    await client.receive(/new \/again$/)
  })

  it('stays until its body has been read when it was answered before', async () => {
    const { open, hold, drain, succeed } = await fixture()
    const client = await open()
    const length = 'Content-Length: 2000000'
    const held = await hold(client, `POST /hold HTTP/1.1\r\nHost: test\r\n${length}\r\n\r\n`)
    const drained = drain()
    held.end('refused')
    await client.receive(/refused$/)
    client.send('GET /smuggled HTTP/1.1\r\n\r\n'.padEnd(2_000_000))
    expect(await drained).toMatchObject({ handedOver: 1, served: 1 })
    succeed()
    client.send(get('/again'))
    expect(await client.receive(/new \S+$/)).toMatch(/new \/again$/)
  })

  it.each([
    ['a body that comes after its answer', 'POST', 'Content-Length: 4', 'body', true],
    ['a request that is still answered', 'GET', 'Accept: */*', '', false],
  ])('stays when it is upgraded directly after %s', async (_, method, header, rest, early) => {
    const { server, open, hold, drain, target } = await fixture()
    server.on('upgrade', (_request, socket: Socket) => {
      socket.on('end', () => socket.end())
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
      socket.pipe(socket)
    })
    const upgrade = get('/up', 'Connection: Upgrade', 'Upgrade: echo')
    const [client, busy] = [await open(), await open()]
    const held = await hold(
      client,
      `${method} /hold HTTP/1.1\r\nHost: test\r\n${header}\r\n\r\n${early ? '' : upgrade}`,
    )
    if (early) held.end('early')
    if (early) await client.receive(/early$/)
    const barrier = await hold(busy, get('/hold'))
    const drained = drain()
    // Served, so the drain has begun.
    await open()
    if (early) client.send(rest + upgrade)
    else held.end('late')
    await client.receive(early ? / 101 / : /late$/)
    barrier.end('busy')
    await busy.receive(/busy$/)
    client.send('echo')
    await client.receive(/echo$/)
    client.close()
    expect(await drained).toMatchObject({ graceful: true, handedOver: 2 })
    expect(target.kept).toHaveLength(2)
  })

  it('goes to the next process, too, when it never sent a byte', async () => {
    const { server, drain, succeed } = await fixture()
    const accepted = new Promise((resolve) => server.once('connection', resolve))
    const client = await RawConnection.open((server.address() as AddressInfo).port)
    cleanups.push(() => client.close())
    await accepted
    expect(await drain()).toMatchObject({ handedOver: 1 })
    succeed()
    client.send(get('/late'))
    await client.receive(/new \/late$/)
  })
})

describe(...requireOrSkip('a connection that is not handed over', linuxSkipReason()), () => {
  it('is kept until its promise ends if the queue has no room', async () => {
    const { open, drain } = await fixture(1)
    const clients = await Promise.all([open(), open(), open()])
    expect(await drain()).toMatchObject({ handedOver: 1, expired: 2, graceful: true })
    await Promise.race(clients.map(({ closed }) => closed))
  })

  it('is served here if the queue refuses it', async () => {
    const { open, drain, target } = await fixture()
    target.accepts = false
    const client = await open()
    const drained = drain()
    client.send(get('/still'))
    await client.receive(/old \/still$/)
    expect(await drained).toMatchObject({ handedOver: 0, served: 1, graceful: true })
  })

  it('closes after its response if the client has asked for that', async () => {
    const { open, hold, drain } = await fixture()
    const client = await open()
    const held = await hold(client, get('/hold', 'Connection: close'))
    const drained = drain()
    held.end('held')
    await client.receive(/held$/)
    await client.closed
    expect(await drained).toMatchObject({ handedOver: 0, served: 1 })
  })
})

describe('a connection that was taken over', () => {
  it('is counted by the server, and has the address of its peer', async () => {
    const { open, drain, succeed } = await fixture()
    const client = await open()
    await drain()
    const [socket] = succeed() as [Socket & { server: Server }]
    expect(await connections(socket.server)).toBe(1)
    expect(socket.remotePort).toBe(client.socket.localPort)
    const closed = once(socket, 'close')
    client.close()
    await closed
    expect(await connections(socket.server)).toBe(0)
  })

  it('is not taken over its maxConnections', async () => {
    const { open, drain, target } = await fixture()
    const client = await open()
    await drain()
    const successor = await listening(() => {})
    const accepted = once(successor, 'connection')
    const first = await RawConnection.open((successor.address() as AddressInfo).port)
    cleanups.push(() => first.close())
    await accepted
    successor.maxConnections = 1
    const [fd] = target.kept.splice(0)
    expect(takeConnection(successor, fd as number)).toBeUndefined()
    await client.closed
  })

  it('is not lost when a listener throws for an earlier one', async () => {
    const { open, drain, target } = await fixture()
    await open()
    const second = await open()
    await drain()
    const successor = await listening(
      (request, response) => void response.end(`new ${request.url}`),
    )
    successor.once('connection', () => {
      throw new Error('of a listener')
    })
    const uncaught = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve))
    cleanups.push(() => process.setUncaughtExceptionCaptureCallback(null))
    for (const fd of target.kept.splice(0)) takeConnection(successor, fd)
    expect(await uncaught).toMatchObject({ message: 'of a listener' })
    second.send(get('/second'))
    await second.receive(/new \/second$/)
  })

  it('is not answered 408 while it is idle', async () => {
    const { open, drain, target } = await fixture()
    const client = await open()
    await drain()
    const successor = createServer(
      { headersTimeout: 30, requestTimeout: 60, connectionsCheckingInterval: 10 },
      (request, response) => void response.end(`new ${request.url}`),
    )
    await new Promise<void>((resolve) => successor.listen(0, resolve))
    cleanups.push(() => {
      successor.close()
      successor.closeAllConnections()
    })
    for (const fd of target.kept.splice(0)) {
      const socket = takeConnection(successor, fd)
      if (socket) excuseSilence(successor, socket)
    }
    // A connection that the server accepted itself is timed out: then the other one would be too.
    const fresh = await RawConnection.open((successor.address() as AddressInfo).port)
    await fresh.receive(/408/)
    client.send(get('/idle'))
    await client.receive(/new \/idle$/)
  })
})

const connections = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_, count) => resolve(count)))
