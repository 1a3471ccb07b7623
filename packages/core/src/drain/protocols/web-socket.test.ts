import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { handshake } from '@socket-port/testkit/raw-web-socket'
import { afterEach, describe, expect, it, vi } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import type { Drain, DrainOptions } from '../../base/types.ts'
import { createDrain, ServerDrain } from '../drain.ts'
import { resolveDrain } from '../options.ts'
import { onUpgraded } from './on-upgraded.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const HEAD = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
const HANDSHAKE = handshake('/')
// The close frames of a server, 1001, and of a client, 1001 with a mask of 0.
const CLOSE_1001 = new RegExp(`${String.fromCharCode(0x88, 2, 3, 0xe9)}$`)
const ANSWER_1001 = Buffer.from('888200000000' + '03e9', 'hex')

interface Fixture {
  server: Server
  drain: Drain
  port: number
}

async function start(
  options: DrainOptions = {},
  server = createServer(),
  drain: Drain = createDrain(server, options),
): Promise<Fixture> {
  server.on('request', (request, response) => response.end(request.url))
  server.listen(0)
  await once(server, 'listening')
  cleanups.push(() => {
    drain.start()
    drain.force()
  })
  return { server, drain, port: (server.address() as AddressInfo).port }
}

async function startWs(options: DrainOptions = {}, server = createServer()) {
  const fixture = await start(options, server)
  const sockets = new WebSocketServer({ server, perMessageDeflate: true })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  return { ...fixture, sockets }
}

/** A WebSocket that has got an echo. */
async function open(port: number, protocol = 'ws'): Promise<WebSocket> {
  const client = new WebSocket(`${protocol}://localhost:${port}`, { ca: cert })
  cleanups.push(() => client.terminate())
  await once(client, 'open')
  client.send('hello')
  await once(client, 'message')
  return client
}

const codeOf = async (client: WebSocket): Promise<number> => (await once(client, 'close'))[0]

/** Accepts upgrades with the head of a WebSocket, and gives the test the socket and the raw client. */
async function openRaw({ server, port }: Fixture, head = HEAD) {
  const upgraded = new Promise<Socket>((resolve) =>
    server.once('upgrade', (_: IncomingMessage, socket: Socket) => resolve(socket)),
  )
  const client = await RawConnection.open(port)
  cleanups.push(() => client.close())
  client.send(HANDSHAKE)
  const socket = await upgraded
  socket
    .resume()
    .on('error', () => {})
    .on('end', () => socket.end())
  socket.write(head)
  await client.receive(/\r\n\r\n$/)
  return { socket, client }
}

describe('WebSockets of ws', () => {
  it.each([
    ['1001', {}, 1001],
    ['an own code', { webSocketCode: 1012 }, 1012],
  ] as const)('are closed with %s, and no connection is cut', async (_, options, code) => {
    const { drain, port } = await startWs(options)
    const clients = await Promise.all([open(port), open(port), open(port)])
    const closed = Promise.all(clients.map(codeOf))
    const result = await drain.start()
    expect(await closed).toEqual([code, code, code])
    expect(result).toMatchObject({
      graceful: true,
      forced: 0,
      webSockets: { closed: 3, handedOver: 0, cut: 0 },
    })
  })

  it('are closed over TLS', async () => {
    const { drain, port } = await startWs({}, createHttps({ key, cert }) as unknown as Server)
    const client = await open(port, 'wss')
    const closed = codeOf(client)
    expect(await drain.start()).toMatchObject({ graceful: true, webSockets: { closed: 1 } })
    expect(await closed).toBe(1001)
  })

  it('are closed before the request in flight is waited for', async () => {
    const { server, drain, port } = await startWs()
    const client = await open(port)
    const busy = await RawConnection.open(port)
    server.removeAllListeners('request')
    busy.send(get('/held'))
    const [, response] = await once(server, 'request')
    const closed = codeOf(client)
    const drained = drain.start()
    expect(await closed).toBe(1001)
    response.end('held')
    await busy.receive(/held$/)
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })

  it('get what was sent before, also where it waits to be compressed', async () => {
    const { drain, port, sockets } = await startWs()
    const client = await open(port)
    const messages: string[] = []
    client.on('message', (data) => messages.push(String(data)))
    const [server] = sockets.clients
    const closed = codeOf(client)
    drain.signal.addEventListener('abort', () => {
      for (let index = 0; index < 5; index += 1) server?.send(`${index}`.repeat(5_000))
    })
    await drain.start()
    expect(await closed).toBe(1001)
    expect(messages.map((message) => message[0])).toEqual(['0', '1', '2', '3', '4'])
  })

  it('that the program closes when the signal aborts keep its code', async () => {
    const { drain, port, sockets } = await startWs()
    const client = await open(port)
    const closed = codeOf(client)
    drain.signal.addEventListener('abort', () => {
      for (const socket of sockets.clients) socket.close(4000)
    })
    await drain.start()
    expect(await closed).toBe(4000)
  })

  it('are left to the program with false, and cut at the deadline: without it no code comes', async () => {
    const { drain, port } = await startWs({ webSocketCode: false, timeout: 50 })
    const client = await open(port)
    const closed = codeOf(client)
    expect(await drain.start()).toMatchObject({
      graceful: false,
      forced: 1,
      webSockets: { closed: 0, cut: 1 },
    })
    expect(await closed).toBe(1006)
  })

  it('that do not answer are destroyed after the grace, and count as closed', async () => {
    const { drain, port } = await startWs({ closeGrace: 20 })
    const client = await RawConnection.open(port)
    client.send(HANDSHAKE)
    await client.receive(/\r\n\r\n$/)
    const drained = drain.start()
    await client.receive(CLOSE_1001)
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, webSockets: { closed: 1, cut: 0 } })
  })

  it('whose client takes nothing more are cut after the grace', async () => {
    const { drain, port, sockets } = await startWs({ closeGrace: 20 })
    const client = await RawConnection.open(port)
    client.send(HANDSHAKE)
    await client.receive(/\r\n\r\n$/)
    client.socket.pause()
    for (const socket of sockets.clients) socket.send(Buffer.alloc(20_000_000))
    expect(await drain.start()).toMatchObject({
      graceful: false,
      forced: 1,
      webSockets: { closed: 0, cut: 1 },
    })
  })

  it('get the code in the quick form, at once', async () => {
    const { drain, port } = await startWs({ spread: 60_000, timeout: 120_000 })
    const clients = await Promise.all(Array.from({ length: 20 }, () => open(port)))
    const closed = Promise.all(clients.map(codeOf))
    await drain.start({ quick: true })
    expect(new Set(await closed)).toEqual(new Set([1001]))
  })

  it('that open during the drain are closed when accepting has stopped', async () => {
    const { server, drain, port } = await startWs({ spread: 0 })
    const busy = await RawConnection.open(port)
    server.removeAllListeners('request')
    busy.send(get('/held'))
    const [, response] = await once(server, 'request')
    const before = await open(port)
    const closedBefore = codeOf(before)
    const drained = drain.start()
    await closedBefore
    const during = await open(port)
    const closed = codeOf(during)
    during.send('still served')
    await once(during, 'message')
    expect(server.listening).toBe(true)
    response.end('held')
    expect(await closed).toBe(1001)
    expect(server.listening).toBe(false)
    expect(await drained).toMatchObject({ graceful: true, webSockets: { closed: 2 } })
  })
})

describe('WebSockets of another library', () => {
  it('are sent a close frame, and nothing after it', async () => {
    const fixture = await start()
    const { socket, client } = await openRaw(fixture)
    socket.write(Buffer.from([0x81, 2, 0x68, 0x69]))
    await client.receive(/hi$/)
    const drained = fixture.drain.start()
    await client.receive(CLOSE_1001)
    const dropped = new Promise<void>((resolve) => {
      socket.write(Buffer.from([0x81, 1, 0x21]), () => resolve())
    })
    await dropped
    socket.once('data', () => socket.end())
    client.send(ANSWER_1001)
    await client.closed
    expect(client.text).toBe('')
    expect(await drained).toMatchObject({ graceful: true, webSockets: { closed: 1, cut: 0 } })
  })

  it('are sent it when the current frame is complete', async () => {
    const fixture = await start()
    const { socket, client } = await openRaw(fixture)
    socket.write(Buffer.from([0x81, 4, 0x68, 0x61]))
    await client.receive(/ha$/)
    const drained = fixture.drain.start()
    // It is due in the first poll.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    socket.write('lf')
    expect(await client.receive(CLOSE_1001)).toMatch(/^lf/)
    client.close()
    await drained
  })

  it.each([
    ['before the drain', false],
    ['during the drain', true],
  ])(
    'that the program refuses %s, and whose client stays, are destroyed after the grace',
    async (_, late) => {
      const { server, drain, port } = await start({ closeGrace: 20, spread: 0 })
      const upgraded = once(server, 'upgrade')
      const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      cleanups.push(() => client.destroy())
      client.write(HANDSHAKE)
      const [, socket] = (await upgraded) as [IncomingMessage, Socket]
      // The drain waits for the end of what it cannot ask.
      const asked = new Promise<void>((resolve) =>
        socket.on('newListener', (event) => event === 'finish' && resolve()),
      )
      const drained = late ? drain.start() : undefined
      if (late) await asked
      const finished = once(socket, 'finish')
      const answered = once(client, 'data')
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')
      await finished
      expect(await (drained ?? drain.start())).toMatchObject({ graceful: true, forced: 0 })
      expect(String(await answered)).toMatch(/^HTTP\/1.1 401 /)
    },
  )

  it('that have answered with something else are left to the program', async () => {
    const fixture = await start({ timeout: 50 })
    const { client } = await openRaw(fixture, 'HTTP/1.1 401 Unauthorized\r\n\r\n')
    const drained = fixture.drain.start()
    await client.closed
    expect(client.text).toBe('')
    expect(await drained).toMatchObject({ graceful: false, webSockets: { cut: 1 } })
  })
})

describe('onUpgraded', () => {
  it('closes what the program knows, once, instead of the close frame', async () => {
    const fixture = await start()
    const seen: string[] = []
    onUpgraded(fixture.server, (socket, request) => {
      seen.push(request.headers.upgrade ?? '')
      return () => socket.end('bye')
    })
    const { client } = await openRaw(fixture)
    const drained = fixture.drain.start()
    expect(await client.receive(/bye$/)).toBe('bye')
    await client.closed
    expect(seen).toEqual(['websocket'])
    expect(await drained).toMatchObject({ graceful: true, webSockets: { closed: 1 } })
  })

  it('closes CONNECT tunnels, which nothing else can', async () => {
    const fixture = await start()
    const left = new Promise((resolve) =>
      fixture.server.once('connect', (_, socket) => socket.once('close', resolve)),
    )
    const remove = onUpgraded(fixture.server, (socket) => () => socket.end('bye'))
    fixture.server.on('connect', (_, socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    const tunnel = async (): Promise<RawConnection> => {
      const client = await RawConnection.open(fixture.port)
      cleanups.push(() => client.close())
      client.send('CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n')
      await client.receive(/\r\n\r\n$/)
      return client
    }
    const told = await tunnel()
    remove()
    await tunnel()
    const drained = fixture.drain.start()
    expect(await told.receive(/bye$/)).toBe('bye')
    await left
    fixture.drain.force()
    expect(await drained).toMatchObject({
      graceful: false,
      forced: 1,
      tunnels: { closed: 1, handedOver: 0, cut: 1 },
    })
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no tunnel')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no tunnel'))],
  ])(
    'with a closer that %s warns, and leaves the connection to the deadline',
    async (_, closer) => {
      const server = createServer()
      const warn = vi.fn()
      const warned = new Promise<void>((resolve) => warn.mockImplementation(() => resolve()))
      const drain = new ServerDrain(server, resolveDrain({}))
      onUpgraded(server, () => closer)
      const fixture = await start({}, server, drain)
      await openRaw(fixture)
      const drained = drain.begin({ logger: { debug: warn, info: warn, error: warn, warn } })
      await warned
      expect(warn.mock.calls).toEqual([
        [expect.stringMatching(/failed: Error: no tunnel; .*deadline/)],
      ])
      drain.force()
      expect(await drained).toMatchObject({ webSockets: { cut: 1 } })
    },
  )

  it('refuses what is no hook or no server', () => {
    expect(() => onUpgraded(createServer(), undefined as never)).toThrow(/pass onUpgraded\(server/)
    expect(() => onUpgraded({} as never, () => undefined)).toThrow(/server must be/)
  })
})
