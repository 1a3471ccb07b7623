import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { type AddressInfo, connect, createServer as createNet, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { FRAME, type Frame, lastStreamOf, RawHttp2 } from '@socket-port/testkit/raw-http2'
import { afterEach, describe, expect, it } from 'vitest'
import { letClientEnd, writeWhole } from '../../node/http2-session.ts'
import { createDrain } from '../drain.ts'

const NOTICE = 2 ** 31 - 1
const BODY = 8 * 1024 * 1024
const HALF_OPEN = { host: '127.0.0.1', servername: 'localhost', allowHalfOpen: true } as const

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

/** Answers at once; `/held` when `release` is called, `/large` with more than any kernel buffer holds. */
function answering(server: Http2Server | Http2SecureServer) {
  const paths: string[] = []
  const held: (() => void)[] = []
  server.on('stream', (stream: ServerHttp2Stream, { ':path': path = '' }) => {
    stream.on('error', () => {})
    paths.push(path)
    const answer = (): void => {
      stream.respond()
      stream.end(path === '/large' ? Buffer.alloc(BODY, 0x7f) : path)
    }
    if (path.startsWith('/held')) held.push(answer)
    else answer()
  })
  const release = (): void => {
    for (const answer of held.splice(0)) answer()
  }
  return { paths, release }
}

async function listening(server: Http2Server | Http2SecureServer, timeout?: number) {
  const drain = createDrain(server, timeout === undefined ? {} : { timeout })
  server.listen(0)
  await once(server, 'listening')
  cleanups.push(() => {
    drain.start()
    drain.force()
  })
  return { drain, port: (server.address() as AddressInfo).port }
}

const isPing = ({ type }: Frame): boolean => type === FRAME.PING
const isGoaway = ({ type }: Frame): boolean => type === FRAME.GOAWAY
const isNotice = (frame: Frame): boolean => isGoaway(frame) && lastStreamOf(frame) === NOTICE
const isLast = (frame: Frame): boolean => isGoaway(frame) && lastStreamOf(frame) !== NOTICE
// Node sends the last GOAWAY again when it ends a session.
const lastStreams = ({ frames }: RawHttp2): number[] => [
  ...new Set(frames.filter(isGoaway).map(lastStreamOf)),
]
const isPingAfterNotice =
  ({ frames }: RawHttp2) =>
  (frame: Frame): boolean =>
    isPing(frame) && frames.indexOf(frame) > frames.findIndex(isNotice)
const ends =
  (stream: number) =>
  (frame: Frame): boolean =>
    frame.stream === stream && frame.type === FRAME.DATA && (frame.flags & 1) !== 0

describe('a session without TLS', () => {
  async function open(timeout?: number) {
    const server = createServer({ maxSessionMemory: 100 })
    const { release } = answering(server)
    const { drain, port } = await listening(server, timeout)
    const session = once(server, 'session')
    const client = new RawHttp2(connect({ port, host: '127.0.0.1' }))
    cleanups.push(() => client.close())
    await session
    return { server, release, drain, client, port }
  }

  it('is told when its client has read all that was sent', async () => {
    const { server, release, drain, client } = await open()
    client.answersPing = () => false
    client.get(1, '/held')
    await once(server, 'stream')
    const drained = drain.start()
    const first = await client.receive(isPing)
    release()
    await client.receive(ends(1))
    client.answer(first)
    const second = await client.receive((frame) => isPing(frame) && frame !== first)
    expect(client.frames.some(isGoaway)).toBe(false)
    client.answersPing = () => true
    client.answer(second)
    await client.receive(isNotice)
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, served: 1, forced: 0 })
  })

  it('is told first; what the client sends before it has answered the ping is served', async () => {
    const { drain, client } = await open()
    client.answersPing = () => !client.frames.some(isNotice)
    client.get(1, '/before')
    await client.receive(ends(1))
    const drained = drain.start()
    await client.receive(isNotice)
    client.get(3, '/on-the-way')
    const ping = await client.receive(isPingAfterNotice(client))
    await client.receive(ends(3))
    expect(client.frames.some(isLast)).toBe(false)
    client.answer(ping)
    expect(lastStreamOf(await client.receive(isLast))).toBe(3)
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, served: 1, forced: 0 })
  })

  it('ends with its last stream', async () => {
    const { drain, client, release } = await open()
    client.get(1, '/held')
    const drained = drain.start()
    expect(lastStreamOf(await client.receive(isLast))).toBe(1)
    release()
    await client.receive(ends(1))
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, served: 1, forced: 0 })
  })

  it('is closed without an answer to the ping in time for the deadline', async () => {
    const { drain, client } = await open(2_000)
    client.answersPing = () => false
    const drained = drain.start()
    await client.receive(isLast)
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
  })

  it('gets the notice between two frames while its client reads slowly', async () => {
    const { drain, client } = await open()
    const streams = [1, 3, 5]
    for (const stream of streams) client.get(stream, '/large')
    await client.receive(({ type }) => type === FRAME.DATA)
    client.pause()
    const drained = drain.start()
    setImmediate(() => client.resume())
    await client.closed
    expect(client.error).toBeUndefined()
    expect(client.frames.filter(isNotice)).toHaveLength(1)
    expect(lastStreams(client)).toEqual([NOTICE, 5])
    expect(streams.map((stream) => client.bodyLength(stream))).toEqual([BODY, BODY, BODY])
    expect(await drained).toMatchObject({ graceful: true, served: 3, forced: 0 })
  })

  it('gets no notice while its client does not read, and is closed in time for the deadline', async () => {
    const { drain, client } = await open(400)
    client.get(1, '/large')
    await client.receive(({ type }) => type === FRAME.DATA)
    client.pause()
    expect(await drain.start()).toMatchObject({ graceful: false, forced: 1 })
    client.resume()
    await client.closed
    expect(client.error?.message ?? '').not.toMatch(/not a frame/)
    expect(client.frames.filter(isNotice)).toEqual([])
  })

  it('of the quick form is closed at once', async () => {
    const { drain, client } = await open()
    client.get(1, '/before')
    await client.receive(ends(1))
    await drain.start({ quick: true })
    await client.closed
    expect(lastStreams(client)).toEqual([1])
  })

  it('that is new is served, told at its first stream, and closed', async () => {
    const { drain, client, release, port } = await open()
    client.get(1, '/held')
    const drained = drain.start()
    await client.receive(isNotice)
    const next = new RawHttp2(connect({ port, host: '127.0.0.1' }))
    cleanups.push(() => next.close())
    await next.receive(({ type }) => type === FRAME.SETTINGS)
    expect(next.frames.some(isGoaway)).toBe(false)
    next.get(1, '/new')
    await next.receive(isNotice)
    await next.closed
    expect(next.frames.some(ends(1))).toBe(true)
    release()
    expect(await drained).toMatchObject({ graceful: true, served: 2, forced: 0 })
  })

  it('is found where a server passes its connections to an HTTP/2 server', async () => {
    const inner = createServer()
    const { paths } = answering(inner)
    const outer = createNet((socket: Socket) => void inner.emit('connection', socket))
    const { drain, port } = await listening(outer as Http2Server)
    const client = new RawHttp2(connect({ port, host: '127.0.0.1' }))
    cleanups.push(() => client.close())
    client.get(1, '/inner')
    await client.receive(ends(1))
    const drained = drain.start()
    await client.receive(isNotice)
    expect(lastStreamOf(await client.receive(isLast))).toBe(1)
    await client.closed
    expect(paths).toEqual(['/inner'])
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
  })
})

describe('a session with TLS', () => {
  async function open(timeout?: number) {
    const server = createSecureServer({ key, cert })
    const { paths, release } = answering(server)
    const { drain, port } = await listening(server, timeout)
    const session = connectHttp2(`https://localhost:${port}`, { ca: cert })
    cleanups.push(() => session.destroy())
    const goaways: number[] = []
    session.on('goaway', (_, last) => goaways.push(last))
    await once(session, 'remoteSettings')
    return { server, paths, release, drain, session, goaways, port }
  }

  const ask = (session: ClientHttp2Session, path: string): ClientHttp2Stream =>
    session.request({ ':path': path }).resume()

  it('is closed while its client waits for the response', async () => {
    const { server, drain, session, goaways } = await open()
    const drained = drain.start()
    // Until it is closed, the client asks without a pause, one request at a time.
    let served = 0
    while (!session.closed) {
      const [stream] = await Promise.all([
        once(server, 'stream').then(([one]: ServerHttp2Stream[]) => one),
        once(ask(session, '/'), 'close'),
      ])
      expect(stream?.rstCode).toBe(0)
      served += 1
    }
    // The last stream that the GOAWAY names is the last one that was asked for.
    expect(goaways).toEqual([served * 2 - 1])
    expect(await drained).toMatchObject({ graceful: true, served, forced: 0 })
  })

  it('without a stream is closed when it has been quiet', async () => {
    const { drain, session, goaways } = await open()
    const drained = drain.start()
    await once(session, 'close')
    expect(goaways).toEqual([0])
    expect(await drained).toMatchObject({ graceful: true, served: 0, expired: 0, forced: 0 })
  })

  it('with an endless stream refuses nothing that it does not name, until the deadline', async () => {
    const { server, drain, session, goaways, port } = await open()
    const endless = ask(session, '/held').on('error', () => {})
    await once(server, 'stream')
    const drained = drain.start()
    await once(session, 'goaway')
    expect(goaways).toEqual([1])
    // A client that has read the GOAWAY continues on a new connection.
    const next = connectHttp2(`https://localhost:${port}`, { ca: cert })
    const unary = ask(next, '/unary')
    await once(unary, 'close')
    expect(unary.rstCode).toBe(0)
    expect(endless.closed).toBe(false)
    drain.force()
    await once(endless, 'close')
    expect(await drained).toMatchObject({ graceful: false, served: 1 })
  })

  it('refuses only what it has not handled, as safe to send again', async () => {
    const { server, paths, drain, session } = await open(400)
    // More and more requests, so that no moment is a good one, until the session closes.
    const streams = new Map<string, ClientHttp2Stream>()
    const add = (): void => {
      const path = `/held/${streams.size}`
      streams.set(
        path,
        ask(session, path).on('error', () => {}),
      )
    }
    add()
    await once(server, 'stream')
    const drained = drain.start()
    const burst = (): void => {
      if (session.closed || session.destroyed) return
      for (let count = 0; count < 5; count += 1) add()
      setImmediate(burst)
    }
    burst()
    await once(session, 'goaway')
    await drained
    const outcomes = [...streams].map(([path, { rstCode }]) => ({ path, rstCode }))
    const refused = outcomes.filter(({ rstCode }) => rstCode === 7)
    for (const { path } of refused) expect(paths).not.toContain(path)
  })
})

describe.each(['h2', 'h2c'])('a stream that comes after the last GOAWAY, %s', (protocol) => {
  it('is not handled', async () => {
    const isTls = protocol === 'h2'
    const server = isTls ? createSecureServer({ key, cert }) : createServer()
    const { paths, release } = answering(server)
    const { drain, port } = await listening(server, 2_000)
    const options = { port, ca: cert, servername: 'localhost', ALPNProtocols: ['h2'] }
    const client = new RawHttp2(isTls ? connectTls(options) : connect({ port, host: '127.0.0.1' }))
    cleanups.push(() => client.close())
    client.get(1, '/held')
    await once(server, 'stream')
    const drained = drain.start()
    expect(lastStreamOf(await client.receive(isLast))).toBe(1)
    client.get(3, '/late')
    // The server has read the late stream when it answers what was sent behind it.
    client.send(FRAME.PING, 0, 0, Buffer.alloc(8, 1))
    await client.receive(({ type, payload }) => type === FRAME.PING && payload[0] === 1)
    release()
    await client.receive(ends(1))
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
    expect(paths).toEqual(['/held'])
  })
})

describe('a connection whose session is being closed', () => {
  async function closing(patience: number) {
    const server = createServer()
    server.listen(0)
    cleanups.push(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const order: string[] = []
    server.on('connection', (socket: Socket) => {
      socket.once('end', () => order.push('client')).once('finish', () => order.push('server'))
    })
    const opened = once(server, 'session') as Promise<[ServerHttp2Session]>
    const client = new RawHttp2(connect({ port, host: '127.0.0.1' }))
    const [session] = await opened
    letClientEnd(session, () => patience)
    session.close()
    await client.receive(isGoaway)
    return { client, order }
  }

  it('is ended by the client', async () => {
    const { client, order } = await closing(60_000)
    client.end()
    await client.closed
    expect(order).toEqual(['client', 'server'])
  })

  it('is ended by the server when the client has not done so', async () => {
    const { client, order } = await closing(20)
    await client.closed
    expect(order[0]).toBe('server')
  })
})

describe.each([
  ['h2', (port: number) => connectTls({ port, ca: cert, ALPNProtocols: ['h2'], ...HALF_OPEN })],
  ['h2c', (port: number) => connect({ port, ...HALF_OPEN })],
] as const)('an idle client that does not end its connection, %s', (protocol, open) => {
  // Its machine may sleep, or have left the network: then nothing tells the server that it is gone.
  it('does not hold the drain until the deadline, and is not cut', async () => {
    const server = protocol === 'h2' ? createSecureServer({ key, cert }) : createServer()
    answering(server)
    const drain = createDrain(server, { timeout: 3_600_000, idleTimeout: 100 })
    server.listen(0)
    await once(server, 'listening')
    cleanups.push(() => drain.force())
    const client = new RawHttp2(open((server.address() as AddressInfo).port))
    cleanups.push(() => client.close())
    client.get(1, '/')
    const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream]
    // Before that its client might still read the response, and would be waited for.
    await once(stream, 'close')
    expect(await drain.start()).toMatchObject({ graceful: true, expired: 1, forced: 0 })
  })
})

describe('a frame that is written past Node', () => {
  const bytes = Buffer.from('a frame')
  const failing = (code: string) => (): number => {
    throw Object.assign(new Error(code), { code })
  }

  it('is not written where the kernel takes nothing', () => {
    expect(writeWhole(bytes, failing('EAGAIN'))).toBe('none')
    expect(writeWhole(bytes, failing('EPIPE'))).toBe('none')
  })

  it('is finished where the kernel takes it in parts', () => {
    const taken: string[] = []
    const write = (rest: Uint8Array): number => {
      if (taken.length === 1) taken.push('full')
      if (taken.at(-1) === 'full') {
        taken.push('again')
        return failing('EAGAIN')()
      }
      taken.push(Buffer.from(rest.subarray(0, 4)).toString())
      return Math.min(4, rest.length)
    }
    expect(writeWhole(bytes, write)).toBe('all')
    expect(taken).toEqual(['a fr', 'full', 'again', 'ame'])
  })

  it('is a part where the kernel takes the rest too late, or never', () => {
    for (const code of ['EAGAIN', 'EPIPE']) {
      let first = true
      const write = (): number => {
        if (!first) return failing(code)()
        first = false
        return 3
      }
      expect(writeWhole(bytes, write)).toBe('part')
    }
  })
})
