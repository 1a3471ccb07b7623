import { once } from 'node:events'
import {
  connect as connectHttp2,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { FRAME, type Frame, RawHttp2 } from '@socket-port/testkit/raw-http2'
import { afterEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import type { DrainOptions } from '../../base/types.ts'
import { ServerDrain } from '../drain.ts'
import { resolveDrain } from '../options.ts'
import { onUpgraded } from './on-upgraded.ts'

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

const SETTINGS = { settings: { enableConnectProtocol: true } }
const TUNNEL = { ':method': 'CONNECT', ':authority': 'test:80' }
const WEB_SOCKET = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'http',
  ':path': '/',
  ':authority': 'test',
}
// Frames of a WebSocket: a text of five bytes, a close frame of a server, one of a client with a mask of 0.
const HELLO = Buffer.from('8105' + '68656c6c6f', 'hex')
const CLOSE_1001 = '8802' + '03e9'
const ANSWER_1001 = Buffer.from('888200000000' + '03e9', 'hex')
const CANCEL = 8

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => unknown

async function start(
  onStream: OnStream,
  options: DrainOptions = {},
  server = createServer(SETTINGS),
) {
  const drain = new ServerDrain(server, resolveDrain({ idleTimeout: 20, ...options }))
  const opened: ServerHttp2Stream[] = []
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {})
    opened.push(stream)
    onStream(stream, headers)
  })
  const port = await listening(server, drain)
  return { server, drain, opened, port }
}

async function listening(server: Http2Server, drain: ServerDrain): Promise<number> {
  server.listen(0)
  await once(server, 'listening')
  cleanups.push(() => {
    drain.start()
    drain.force()
  })
  return (server.address() as AddressInfo).port
}

function raw(port: number): RawHttp2 {
  const client = new RawHttp2(connect({ port, host: '127.0.0.1' }))
  cleanups.push(() => client.close())
  return client
}

/** Accepts each CONNECT, says hello, and ends the stream when the client has ended it. */
const accepting: OnStream = (stream) => {
  stream.respond({ ':status': 200 })
  stream.resume().on('end', () => stream.end())
  stream.write(HELLO)
}

/** The DATA of a stream, as hex. */
const dataOf = ({ frames }: RawHttp2, stream: number): string =>
  Buffer.concat(
    frames.filter((f) => f.type === FRAME.DATA && f.stream === stream).map((f) => f.payload),
  ).toString('hex')
const has = (client: RawHttp2, stream: number, data: Buffer | string) => (): boolean =>
  dataOf(client, stream).endsWith(Buffer.isBuffer(data) ? data.toString('hex') : data)
const ends =
  (stream: number) =>
  (frame: Frame): boolean =>
    frame.stream === stream && frame.type === FRAME.DATA && (frame.flags & 1) !== 0
const isReset =
  (stream: number) =>
  (frame: Frame): boolean =>
    frame.stream === stream && frame.type === FRAME.RST_STREAM
const isGoaway = ({ type }: Frame): boolean => type === FRAME.GOAWAY
const END = Buffer.alloc(0)

async function openWebSocket(port: number): Promise<RawHttp2> {
  const client = raw(port)
  client.request(1, WEB_SOCKET)
  await client.receive(has(client, 1, HELLO))
  return client
}

describe('WebSockets over HTTP/2', () => {
  it.each([
    ['1001', {}, CLOSE_1001],
    ['an own code', { webSocketCode: 1012 }, '8802' + '03f4'],
  ])(
    'are closed with %s after GOAWAY, and end when the client has answered',
    async (_, options, frame) => {
      const { drain, port } = await start(accepting, options)
      const client = await openWebSocket(port)
      const drained = drain.start()
      await client.receive(has(client, 1, frame))
      const { frames } = client
      const closing = frames.findIndex((f) => f.type === FRAME.DATA && f.payload.length === 4)
      expect(frames.findIndex(isGoaway)).toBeLessThan(closing)
      client.send(FRAME.DATA, 1, 1, ANSWER_1001)
      await client.receive(ends(1))
      await client.closed
      expect(frames.some(isReset(1))).toBe(false)
      expect(await drained).toMatchObject({
        graceful: true,
        served: 0,
        expired: 0,
        forced: 0,
        webSockets: { closed: 1, handedOver: 0, cut: 0 },
      })
    },
  )

  it('are closed when the current frame is complete', async () => {
    const { drain, port, opened } = await start(accepting)
    const client = await openWebSocket(port)
    opened[0]?.write(HELLO.subarray(0, 3))
    await client.receive(has(client, 1, HELLO.subarray(0, 3)))
    const drained = drain.start()
    await client.receive(isGoaway)
    opened[0]?.write(HELLO.subarray(3))
    await client.receive(has(client, 1, CLOSE_1001))
    expect(dataOf(client, 1)).toBe(HELLO.toString('hex').repeat(2) + CLOSE_1001)
    client.send(FRAME.DATA, 1, 1, ANSWER_1001)
    expect(await drained).toMatchObject({ graceful: true, webSockets: { closed: 1 } })
  })

  it.each([
    ['respond', (stream: ServerHttp2Stream) => stream.respond({ ':status': 200 })],
    ['its first write', (stream: ServerHttp2Stream) => void stream.write(HELLO)],
  ])('that are accepted in the drain, by %s, are closed then', async (_, accept) => {
    const { server, drain, port, opened } = await start((stream) =>
      stream.resume().on('end', () => stream.end()),
    )
    const client = raw(port)
    client.request(1, WEB_SOCKET)
    await once(server, 'stream')
    const drained = drain.start()
    await client.receive(isGoaway)
    expect(drain.left?.get('WebSocket')).toBe(1)
    if (opened[0] !== undefined) accept(opened[0])
    await client.receive(has(client, 1, CLOSE_1001))
    client.send(FRAME.DATA, 1, 1, ANSWER_1001)
    expect(await drained).toMatchObject({ graceful: true, webSockets: { closed: 1 } })
  })

  it('that are refused get the response of the program', async () => {
    const { server, drain, port, opened } = await start((stream) => stream.resume())
    const client = raw(port)
    client.request(1, WEB_SOCKET)
    await once(server, 'stream')
    const drained = drain.start()
    await client.receive(isGoaway)
    opened[0]?.respond({ ':status': 403 })
    opened[0]?.end('no')
    await client.receive(ends(1))
    expect(dataOf(client, 1)).toBe(Buffer.from('no').toString('hex'))
    client.send(FRAME.DATA, 1, 1, END)
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
  })

  it('whose client does not answer end after the grace', async () => {
    const { drain, port } = await start(accepting, { closeGrace: 20 })
    const client = await openWebSocket(port)
    const drained = drain.start()
    await client.receive(isReset(1))
    expect(dataOf(client, 1)).toMatch(new RegExp(`${CLOSE_1001}$`))
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, forced: 0, webSockets: { closed: 1 } })
  })

  it('are left to a program that wants no code, and cut at the deadline', async () => {
    const { drain, port } = await start(accepting, { webSocketCode: false, timeout: 300 })
    const client = await openWebSocket(port)
    const drained = drain.start()
    await client.receive(isGoaway)
    expect(drain.leftToProgram()).toBe(true)
    await client.closed
    expect(dataOf(client, 1)).toBe(HELLO.toString('hex'))
    expect(await drained).toMatchObject({ graceful: false, forced: 1, webSockets: { cut: 1 } })
  })

  it('are counted beside their session while the drain waits for them', async () => {
    const { drain, port } = await start(accepting)
    const client = await openWebSocket(port)
    client.request(3, TUNNEL)
    await client.receive(has(client, 3, HELLO))
    const drained = drain.start()
    await client.receive(isGoaway)
    expect(Object.fromEntries(drain.left ?? [])).toEqual({
      'HTTP/2 session': 1,
      WebSocket: 1,
      tunnel: 1,
    })
    client.send(FRAME.DATA, 1, 1, ANSWER_1001)
    client.send(FRAME.DATA, 1, 3, END)
    expect(await drained).toMatchObject({ webSockets: { closed: 1 }, tunnels: { closed: 1 } })
  })

  it('do not keep a request on their session from its response', async () => {
    const { server, drain, port } = await start((stream, headers) => {
      if (headers[':method'] === 'CONNECT') accepting(stream, headers)
    })
    const client = await openWebSocket(port)
    client.get(3, '/held')
    const [held] = (await once(server, 'stream')) as [ServerHttp2Stream]
    const drained = drain.start()
    await client.receive(has(client, 1, CLOSE_1001))
    client.send(FRAME.DATA, 1, 1, ANSWER_1001)
    await client.receive(ends(1))
    held.end('complete')
    await client.receive(ends(3))
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, served: 1, webSockets: { closed: 1 } })
  })
})

describe.each([
  ['without TLS', () => createServer(SETTINGS)],
  ['with TLS', () => createSecureServer({ ...SETTINGS, key, cert }) as unknown as Http2Server],
])('WebSockets of ws over HTTP/2 %s', (name, server) => {
  // As programs set a WebSocket on a stream: `ws` has no public way.
  const on = (stream: Duplex, isServer: boolean): WebSocket => {
    const webSocket = new WebSocket(null as never, undefined, {}) as WebSocket & {
      _isServer: boolean
      setSocket(socket: Duplex, head: Buffer, options: object): void
    }
    webSocket._isServer = isServer
    webSocket.setSocket(stream, Buffer.alloc(0), { maxPayload: 1024 })
    return webSocket
  }

  it('are closed by their own close()', async () => {
    const { drain, port } = await start(
      (stream) => {
        stream.respond({ ':status': 200 })
        const webSocket = on(stream, true)
        webSocket.on('message', (data) => webSocket.send(data))
      },
      {},
      server(),
    )
    const protocol = name === 'with TLS' ? 'https' : 'http'
    const session = connectHttp2(`${protocol}://localhost:${port}`, { ca: cert })
    cleanups.push(() => session.destroy())
    await once(session, 'remoteSettings')
    const { ':authority': _, ':scheme': __, ...request } = WEB_SOCKET
    const stream = session.request(request)
    await once(stream, 'response')
    const client = on(stream, false)
    client.send('hello')
    expect(String((await once(client, 'message'))[0])).toBe('hello')
    const drained = drain.start()
    expect((await once(client, 'close'))[0]).toBe(1001)
    expect(await drained).toMatchObject({
      graceful: true,
      forced: 0,
      expired: 0,
      webSockets: { closed: 1, cut: 0 },
    })
  })
})

describe('tunnels over HTTP/2', () => {
  it('are closed by a closer of the program, which gets the stream and its request', async () => {
    const { server, drain, port, opened } = await start(accepting)
    const requests: unknown[] = []
    onUpgraded(server, (stream, { method, url, headers, httpVersionMajor }) => {
      requests.push({ method, url, httpVersionMajor, authority: headers[':authority'] })
      return () => stream.end('bye')
    })
    const client = raw(port)
    client.request(1, TUNNEL)
    await client.receive(has(client, 1, HELLO))
    expect(requests).toEqual([
      { method: 'CONNECT', url: undefined, httpVersionMajor: 2, authority: 'test:80' },
    ])
    const drained = drain.start()
    await client.receive(ends(1))
    expect(dataOf(client, 1)).toMatch(/627965$/)
    client.send(FRAME.DATA, 1, 1, END)
    await client.closed
    expect(opened).toHaveLength(1)
    expect(await drained).toMatchObject({ graceful: true, served: 0, tunnels: { closed: 1 } })
  })

  it('are cut at the deadline without one', async () => {
    const { drain, port } = await start(accepting, { timeout: 300 })
    const client = raw(port)
    client.request(1, TUNNEL)
    await client.receive(has(client, 1, HELLO))
    const drained = drain.start()
    await client.closed
    expect(client.frames.some(ends(1))).toBe(false)
    expect(await drained).toMatchObject({ graceful: false, forced: 1, tunnels: { cut: 1 } })
  })

  it('end at once in the quick form, and not the session with them', async () => {
    const { server, drain, port } = await start((stream, headers) => {
      if (headers[':method'] === 'CONNECT') accepting(stream, headers)
    })
    const client = raw(port)
    client.request(1, TUNNEL)
    await client.receive(has(client, 1, HELLO))
    client.get(3, '/held')
    const [held] = (await once(server, 'stream')) as [ServerHttp2Stream]
    const drained = drain.start({ quick: true })
    await client.receive(isReset(1))
    held.end('complete')
    await client.receive(ends(3))
    expect(await drained).toMatchObject({ graceful: true, served: 1, tunnels: { closed: 1 } })
  })

  it('leave spread over a time: at most a tenth of them at once', async () => {
    const { server, drain, port, opened } = await start(accepting)
    const batches: number[] = []
    let turn = 0
    onUpgraded(server, (stream) => () => {
      if (turn === 0) {
        batches.push(0)
        queueMicrotask(() => {
          turn = 0
        })
      }
      turn += 1
      batches[batches.length - 1] = turn
      stream.destroy()
    })
    const clients = [raw(port), raw(port)]
    for (const client of clients) {
      for (let id = 1; id < 40; id += 2) client.request(id, TUNNEL)
      await client.receive(has(client, 39, HELLO))
    }
    expect(opened).toHaveLength(40)
    expect(await drain.start()).toMatchObject({ tunnels: { closed: 40 } })
    expect(batches.reduce((sum, count) => sum + count)).toBe(40)
    expect(Math.max(...batches)).toBeLessThanOrEqual(4)
  })
})

describe('event streams over HTTP/2', () => {
  const EVENT = 'data: hello\n\n'
  const hex = (text: string): string => Buffer.from(text).toString('hex')
  const events: OnStream = (stream) => {
    stream.respond({ 'Content-Type': 'text/event-stream' })
    stream.write(EVENT)
  }

  async function listen(port: number, begin?: (client: RawHttp2) => void): Promise<RawHttp2> {
    const client = raw(port)
    if (begin === undefined) client.get(1, '/events')
    else begin(client)
    await client.receive(has(client, 1, hex(EVENT)))
    return client
  }

  /** The start of a drain in a program of the compatibility API. */
  async function startCompat(options: DrainOptions = {}) {
    const server = createServer()
    const drain = new ServerDrain(server, resolveDrain({ idleTimeout: 20, ...options }))
    server.on('request', (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      const timer = setInterval(() => response.write(EVENT), 5)
      response.write(EVENT)
      response.once('close', () => {
        clearInterval(timer)
        response.write('data: late\n\n')
        response.end('data: later\n\n')
      })
    })
    return { drain, port: await listening(server, drain) }
  }

  it('end with END_STREAM after GOAWAY, and no connection is cut', async () => {
    const { drain, port } = await start(events)
    const clients = [await listen(port), await listen(port)]
    const drained = drain.start()
    for (const client of clients) {
      const end = await client.receive(ends(1))
      expect(client.frames.findIndex(isGoaway)).toBeLessThan(client.frames.indexOf(end))
      expect(dataOf(client, 1)).toBe(hex(EVENT))
      await client.closed
      expect(client.frames.some(isReset(1))).toBe(false)
    }
    expect(await drained).toMatchObject({
      graceful: true,
      served: 2,
      forced: 0,
      eventStreams: { closed: 2, handedOver: 0, cut: 0 },
    })
  })

  it('of the compatibility API end, and the program may go on writing', async () => {
    const { drain, port } = await startCompat()
    const client = await listen(port)
    const drained = drain.start()
    await client.receive(ends(1))
    await client.closed
    expect(dataOf(client, 1)).toMatch(new RegExp(`^(${hex(EVENT)})+$`))
    expect(await drained).toMatchObject({ graceful: true, eventStreams: { closed: 1 } })
  })

  it('end when the current event is complete', async () => {
    const { drain, port, opened } = await start(events)
    const client = await listen(port)
    const drained = drain.start()
    opened[0]?.write('id: 7\n')
    await client.receive(isGoaway)
    opened[0]?.write('data: wor')
    opened[0]?.write('ld\n')
    await client.receive(has(client, 1, hex('ld\n')))
    expect(client.frames.some(ends(1))).toBe(false)
    opened[0]?.write('\n')
    await client.receive(ends(1))
    expect(dataOf(client, 1)).toBe(hex(`${EVENT}id: 7\ndata: world\n\n`))
    expect(await drained).toMatchObject({ eventStreams: { closed: 1 } })
  })

  it.each([
    ['with a body', (client: RawHttp2) => client.request(1, POST)],
    ['without a body', (client: RawHttp2) => client.request(1, POST, true)],
  ])('of a POST %s, which no client repeats, end by themselves', async (_, begin) => {
    const { drain, port, opened } = await start(events)
    const client = await listen(port, begin)
    const other = await listen(port)
    const drained = drain.start()
    await other.receive(ends(1))
    expect(client.frames.some(ends(1))).toBe(false)
    opened[0]?.end('data: complete\n\n')
    await client.receive(ends(1))
    client.send(FRAME.DATA, 1, 1, END)
    expect(dataOf(client, 1)).toBe(hex(`${EVENT}data: complete\n\n`))
    expect(await drained).toMatchObject({ graceful: true, eventStreams: { closed: 1 } })
  })

  it('are left to a program that listens to the signal, and cut at the deadline', async () => {
    const { drain, port } = await start(events, { timeout: 300 })
    const client = await listen(port)
    drain.signal.addEventListener('abort', () => {})
    const drained = drain.start()
    await client.receive(isGoaway)
    expect(drain.leftToProgram()).toBe(true)
    await client.closed
    expect(client.frames.some(ends(1))).toBe(false)
    expect(await drained).toMatchObject({ graceful: false, forced: 1, eventStreams: { cut: 1 } })
  })

  it('end in the quick form, too', async () => {
    const { drain, port } = await start(events, { spread: 60_000, timeout: 120_000 })
    const client = await listen(port)
    drain.signal.addEventListener('abort', () => {})
    const drained = drain.start({ quick: true })
    await client.receive(ends(1))
    expect(await drained).toMatchObject({ graceful: true, eventStreams: { closed: 1 } })
  })

  it('that begin after their session was asked end as well', async () => {
    const { server, drain, port } = await start(() => {})
    const client = raw(port)
    client.get(1, '/events')
    const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream]
    const drained = drain.start()
    await client.receive(isGoaway)
    events(stream, {})
    await client.receive(ends(1))
    expect(await drained).toMatchObject({ graceful: true, eventStreams: { closed: 1 } })
  })

  it('whose client takes no more are cut after the grace', async () => {
    const { drain, port, opened } = await start(events, { closeGrace: 20 })
    const client = raw(port)
    client.setWindow(0)
    client.get(1, '/events')
    await client.receive((frame) => frame.type === FRAME.HEADERS && frame.stream === 1)
    expect(opened[0]?.writableLength).toBeGreaterThan(0)
    const drained = drain.start()
    const { payload } = await client.receive(isReset(1))
    expect(payload.readUInt32BE(0)).toBe(CANCEL)
    await client.closed
    expect(await drained).toMatchObject({
      graceful: false,
      forced: 1,
      eventStreams: { closed: 0, cut: 1 },
    })
  })

  it.each([
    [undefined, { served: 1, eventStreams: { closed: 0 } }],
    [1, { served: 1, eventStreams: { closed: 1 } }],
  ])(
    'are not other responses, which end after streamTimeout (%s)',
    async (streamTimeout, result) => {
      const { drain, port, opened } = await start(
        (stream) => {
          stream.respond()
          stream.write(EVENT)
        },
        streamTimeout === undefined ? {} : { streamTimeout },
      )
      const client = await listen(port)
      const drained = drain.start()
      await client.receive(isGoaway)
      if (streamTimeout === undefined) opened[0]?.end('complete')
      await client.receive(ends(1))
      expect(await drained).toMatchObject({ graceful: true, ...result })
    },
  )

  it('are not calls of gRPC, which end with a status after streamTimeout', async () => {
    const { drain, port } = await start(
      (stream) => {
        stream.respond({ 'content-type': 'application/grpc+proto' }, { waitForTrailers: true })
        stream.write(Buffer.alloc(5))
      },
      { streamTimeout: 1 },
    )
    const session = connectHttp2(`http://localhost:${port}`)
    cleanups.push(() => session.destroy())
    const stream = session.request({ ':method': 'POST', ':path': '/a.Service/watch' })
    const trailers = once(stream, 'trailers')
    await once(stream, 'data')
    const drained = drain.start()
    expect((await trailers)[0]).toMatchObject({ 'grpc-status': '14' })
    stream.end()
    expect(await drained).toMatchObject({ graceful: true, forced: 0, eventStreams: { closed: 1 } })
  })

  it('are not responses with a length, which are never ended before it', async () => {
    const { drain, port } = await start(
      (stream) => {
        stream.respond({ 'content-length': 20 })
        stream.write(EVENT)
      },
      { streamTimeout: 1, timeout: 1_200 },
    )
    const client = await listen(port)
    expect(await drain.start()).toMatchObject({ graceful: false, forced: 1 })
    expect(client.frames.some(ends(1))).toBe(false)
  })
})

describe('a poll of Socket.IO over HTTP/2', () => {
  it('is answered with the packet that closes the session, and Engine.IO may answer it as well', async () => {
    const server = createServer()
    const drain = new ServerDrain(server, resolveDrain({ idleTimeout: 20 }))
    const closed: string[] = []
    server.on('request', (request, response) => {
      request.once('close', () => {
        response.writeHead(200, { 'content-length': 1 })
        response.end('6')
        closed.push('closed')
      })
    })
    const client = raw(await listening(server, drain))
    client.get(1, '/socket.io/?EIO=4&transport=polling&sid=abc')
    await once(server, 'request')
    const drained = drain.start()
    await client.receive(ends(1))
    expect(dataOf(client, 1)).toBe(Buffer.from('1').toString('hex'))
    await client.closed
    expect(closed).toEqual(['closed'])
    expect(await drained).toMatchObject({ graceful: true, served: 1, forced: 0 })
  })
})

const POST = { ':method': 'POST', ':scheme': 'http', ':path': '/events', ':authority': 'test' }
