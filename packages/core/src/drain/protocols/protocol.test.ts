import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { connect as connectHttp2, createSecureServer, type Http2SecureServer } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, connect, createServer as createNet } from 'node:net'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AnyServer, Drain, DrainOptions } from '../../base/types.ts'
import { ownSymbol } from '../../node/own-symbol.ts'
import { createDrain } from '../drain.ts'

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function listening(server: AnyServer, drain: Drain): Promise<number> {
  server.listen(0)
  await once(server, 'listening')
  cleanups.push(() => {
    drain.start()
    drain.force()
  })
  return (server.address() as AddressInfo).port
}

describe('an HTTP/2 server with allowHTTP1', () => {
  /** Answers at once, but `/held` when `release` is called. */
  async function start(options: DrainOptions = {}) {
    const server = createSecureServer({ key, cert, allowHTTP1: true })
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    server.on('request', async (request, response) => {
      if (request.url === '/held') await released
      response.end(request.url)
    })
    const drain = createDrain(server, options)
    const port = await listening(server, drain)
    return { server, drain, port, release: () => release() }
  }

  async function http1(server: Http2SecureServer, port: number): Promise<RawConnection> {
    const accepted = once(server, 'secureConnection')
    const client = await RawConnection.openTls(port, cert)
    cleanups.push(() => client.close())
    await accepted
    return client
  }

  /** Asks, and returns the answer when the server is done with it: the connection is idle then. */
  async function ask(server: Http2SecureServer, client: RawConnection): Promise<string> {
    const requested = once(server, 'request')
    client.send(get('/first'))
    const [, response] = await requested
    if (!response.closed) await once(response, 'close')
    return client.receive(/\/first$/)
  }

  async function idle(server: Http2SecureServer, port: number): Promise<RawConnection> {
    const client = await http1(server, port)
    await ask(server, client)
    return client
  }

  it('serves idle, busy and silent HTTP/1.1 connections once more beside HTTP/2', async () => {
    const { server, drain, port, release } = await start()
    const [first, silent] = [await idle(server, port), await http1(server, port)]
    const busy = await http1(server, port)
    busy.send(get('/held'))
    await once(server, 'request')
    const session = connectHttp2(`https://localhost:${port}`, { ca: cert })
    const stream = session.request({ ':path': '/held' })
    await once(server, 'stream')

    const drained = drain.start()
    for (const client of [first, silent]) {
      client.send(get('/again'))
      expect(await client.receive(/\/again$/)).toMatch(/connection: close/i)
      await client.closed
    }
    release()
    expect(await busy.receive(/\/held$/)).toMatch(/connection: close/i)
    let body = ''
    for await (const chunk of stream) body += chunk
    expect(body).toBe('/held')
    expect(await drained).toMatchObject({ graceful: true, served: 4, expired: 0, forced: 0 })
  })

  it('closes an idle HTTP/1.1 connection when its promise ends', async () => {
    const { server, drain, port } = await start()
    Object.assign(server, { keepAliveTimeout: 20 })
    const client = await http1(server, port)
    expect(await ask(server, client)).toMatch(/keep-alive: timeout=/i)
    expect(await drain.start()).toMatchObject({ graceful: true, expired: 1, forced: 0 })
    await client.closed
  })

  it('closes it after idleTimeout if the promise of the server has no end', async () => {
    const { server, drain, port } = await start({ idleTimeout: 20 })
    Object.assign(server, { keepAliveTimeout: 0 })
    const client = await idle(server, port)
    expect(await drain.start()).toMatchObject({ graceful: true, expired: 1, forced: 0 })
    await client.closed
  })

  it('serves new connections of both protocols while an old one is open', async () => {
    const { server, drain, port } = await start()
    const old = await idle(server, port)
    const drained = drain.start()
    const newer = await http1(server, port)
    newer.send(get('/new'))
    expect(await newer.receive(/\/new$/)).toMatch(/connection: close/i)
    const session = connectHttp2(`https://localhost:${port}`, { ca: cert })
    const [headers] = await once(session.request({ ':path': '/new' }).resume(), 'response')
    expect(headers[':status']).toBe(200)
    await once(session, 'close')
    old.send(get('/again'))
    await old.receive(/\/again$/)
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
  })

  it('closes a new HTTP/2 session without a request', async () => {
    const { server, drain, port, release } = await start({ idleTimeout: 200 })
    // So that new sessions are accepted, however long a handshake takes.
    const busy = await http1(server, port)
    busy.send(get('/held'))
    await once(server, 'request')
    const drained = drain.start()
    const session = connectHttp2(`https://localhost:${port}`, { ca: cert })
    await once(session, 'close')
    release()
    expect(await drained).toMatchObject({ graceful: true, served: 1, expired: 0, forced: 0 })
  })

  it('waits for the rest of half a request', async () => {
    const { server, drain, port } = await start({ idleTimeout: 20 })
    const [half, other] = [await idle(server, port), await idle(server, port)]
    const drained = drain.start()
    half.send('G')
    await other.closed
    half.send(get('/half').slice(1))
    expect(await half.receive(/\/half$/)).toMatch(/connection: close/i)
    expect(await drained).toMatchObject({ graceful: true, served: 1, expired: 1, forced: 0 })
  })

  it('closes everything but requests in flight in the quick form', async () => {
    const { server, drain, port, release } = await start()
    server.on('upgrade', (_, socket) => socket.write('upgraded'))
    const client = await idle(server, port)
    const upgraded = await http1(server, port)
    upgraded.send(get('/', 'Connection: upgrade', 'Upgrade: test'))
    await upgraded.receive(/upgraded/)
    const busy = await http1(server, port)
    busy.send(get('/held'))
    await once(server, 'request')
    const drained = drain.start({ quick: true })
    await Promise.all([client.closed, upgraded.closed])
    release()
    expect(await busy.receive(/\/held$/)).toMatch(/connection: close/i)
    expect(await drained).toMatchObject({ graceful: true, served: 1, forced: 0 })
  })

  it('leaves an upgraded connection to the program', async () => {
    const { server, drain, port } = await start({ idleTimeout: 20 })
    server.on('upgrade', (_, socket) => {
      socket.write('upgraded')
      socket.on('data', (data: Buffer) => socket.end(data))
    })
    const upgrading = get('/', 'Connection: upgrade', 'Upgrade: test')
    const [before, during] = [await http1(server, port), await http1(server, port)]
    before.send(upgrading)
    await before.receive(/upgraded/)
    const drained = drain.start()
    during.send(upgrading)
    await during.receive(/upgraded/)
    for (const client of [before, during]) {
      client.send('done')
      await client.receive(/done/)
    }
    expect(await drained).toMatchObject({ graceful: true, expired: 0, forced: 0 })
  })

  it('waits for a CONNECT of HTTP/2 as for any stream', async () => {
    const { server, drain, port } = await start()
    server.on('connect', (_, response) => response.end('connected'))
    const session = connectHttp2(`https://localhost:${port}`, { ca: cert })
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'test:80' })
    await once(stream.resume(), 'end')
    expect(await drain.start({ quick: true })).toMatchObject({ graceful: true, expired: 0 })
  })
})

describe('an HTTP/1.1 server', () => {
  it('does not read the list of all connections for one that opens during the drain', async () => {
    const server = createHttp(() => {})
    const drain = createDrain(server)
    const port = await listening(server, drain)
    const open = async (): Promise<RawConnection> => {
      const client = await RawConnection.open(port)
      cleanups.push(() => client.close())
      return client
    }
    const busy = await open()
    busy.send(get('/'))
    await once(server, 'request')
    drain.start()
    const lists = ownSymbol(server, 'http.server.connections') as { active(): unknown[] }
    const active = vi.spyOn(lists, 'active')
    const accepted = once(server, 'connection')
    await open()
    await accepted
    expect(active).not.toHaveBeenCalled()
  })
})

describe('a server whose connections belong to another server', () => {
  it('is not taken for an HTTP server', async () => {
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const inner = createHttps({ key, cert }, async (_, response) => {
      await released
      response.end('inner')
    })
    const outer = createNet((socket) => void inner.emit('connection', socket))
    const drain = createDrain(outer, { idleTimeout: 20 })
    const port = await listening(outer, drain)
    const client = await RawConnection.secure(connect({ port, host: '127.0.0.1' }), cert)
    client.send(get('/', 'Connection: close'))
    await once(inner, 'request')
    const drained = drain.start()
    expect(outer.listening).toBe(false)
    release()
    await client.receive(/inner/)
    expect(await drained).toMatchObject({ graceful: true, expired: 0, forced: 0 })
  })
})
