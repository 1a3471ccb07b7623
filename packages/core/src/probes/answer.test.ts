import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import {
  connect,
  createServer as createHttp2,
  createSecureServer,
  type IncomingHttpHeaders,
} from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { createServer as createTcp } from 'node:net'
import { text } from 'node:stream/consumers'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AnyServer, ServeOptions, Service } from '../base/types.ts'
import { attach } from '../service/attach.ts'
import { serve } from '../service/serve.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const probes = { ready: '/readyz', live: '/livez' }
const ENDED = /\r\n\r\n(?:.+\n)?$/s

async function serving<S extends AnyServer>(
  server: S,
  options?: ServeOptions,
): Promise<Service<S>> {
  const service = await serve(server, { port: 0, signals: false, probes, ...options })
  cleanups.push(() => service.close({ quick: true }))
  return service
}

async function open({ port = 0 }: { port?: number | undefined }): Promise<RawConnection> {
  const client = await RawConnection.open(port)
  cleanups.push(() => client.close())
  return client
}

const echo: RequestListener = ({ method, url }, response) =>
  void response.end(`program ${method} ${url}\n`)

/** A server whose request for /held waits until `release`. */
function holding(): { server: Server; release: () => void } {
  let release = (): void => {}
  const server = createServer((_, response) => {
    release = () => response.end('held\n')
  })
  return { server, release: () => release() }
}

describe('the server itself', () => {
  it('answers its probes before the program, which sees none of them', async () => {
    const heard = vi.fn(echo)
    const client = await open(await serving(createServer(heard)))
    client.send(get('/readyz'))
    const ready = await client.receive(ENDED)
    expect(ready).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\nready\n$/s)
    expect(ready).toMatch(/\r\ncache-control: no-store\r\n/)
    expect(ready).toMatch(/\r\ncontent-type: text\/plain; charset=utf-8\r\n/)
    expect(ready).toMatch(/\r\nConnection: keep-alive\r\n/)
    client.send(get('/livez?verbose=1&exclude=/x'))
    expect(await client.receive(ENDED)).toMatch(/^HTTP\/1.1 200 .*\r\n\r\nlive\n$/s)
    client.send('HEAD /readyz? HTTP/1.1\r\nHost: test\r\n\r\n')
    expect(await client.receive(/\r\n\r\n$/)).toMatch(/^HTTP\/1.1 200 .*content-length: 6\r\n/s)
    expect(heard).not.toHaveBeenCalled()
  })

  it.each([
    ['POST', '/readyz'],
    ['OPTIONS', '/livez'],
    ['GET', '/readyz/'],
    ['GET', '/READYZ'],
    ['GET', '//readyz'],
    ['GET', '/readyz%3F'],
    ['GET', '/'],
    ['GET', '/livez/db'],
  ])('leaves %s %s to the program', async (method, path) => {
    const client = await open(await serving(createServer(echo)))
    client.send(`${method} ${path} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n`)
    expect(await client.receive(ENDED)).toMatch(`program ${method} ${path}\n`)
  })

  it('leaves upgrades and CONNECT to the program', async () => {
    const server = createServer(echo)
    for (const event of ['upgrade', 'connect'] as const) {
      server.on(event, (_, socket) => socket.end(`HTTP/1.1 418 ${event}\r\n\r\n`))
    }
    const service = await serving(server)
    const upgrade = await open(service)
    upgrade.send(get('/readyz', 'Connection: Upgrade', 'Upgrade: websocket'))
    expect(await upgrade.receive(ENDED)).toMatch(/ 418 upgrade/)
    const tunnel = await open(service)
    tunnel.send('CONNECT /readyz HTTP/1.1\r\nHost: test\r\n\r\n')
    expect(await tunnel.receive(ENDED)).toMatch(/ 418 connect/)
  })

  it('answers pipelined probes and requests in their order', async () => {
    const client = await open(await serving(createServer(echo)))
    client.send(get('/a') + get('/readyz') + get('/b') + get('/livez'))
    const all = await client.receive(/live\n$/)
    expect(all.match(/program GET \/\w|ready\n|live\n/g)).toEqual([
      'program GET /a',
      'ready\n',
      'program GET /b',
      'live\n',
    ])
  })

  it('answers only the paths that are named', async () => {
    const client = await open(await serving(createServer(echo), { probes: { live: '/up' } }))
    client.send(get('/readyz'))
    expect(await client.receive(/program.*\n/)).toMatch(/ 200 .*program GET \/readyz\n/s)
    client.send(get('/up'))
    expect(await client.receive(ENDED)).toMatch(/live\n$/)
  })

  it('answers also where the program adds its listener later, or another one', async () => {
    const server = createServer()
    const service = await serving(server)
    const heard = vi.fn()
    server.on('request', heard)
    server.prependListener('request', heard)
    const client = await open(service)
    client.send(get('/readyz'))
    expect(await client.receive(ENDED)).toMatch(/ready\n$/)
    expect(heard).not.toHaveBeenCalled()
  })

  it('costs a server without the option nothing: its emit stays what it is', async () => {
    const { server } = await serving(createServer(echo), { probes: undefined })
    expect(Object.hasOwn(server, 'emit')).toBe(false)
    const probed = await serving(createServer(echo))
    expect(Object.hasOwn(probed.server, 'emit')).toBe(true)
    await probed.close()
    expect(Object.hasOwn(probed.server, 'emit')).toBe(false)
  })

  it('answers with TLS', async () => {
    const { port = 0 } = await serving(createHttps({ key, cert }, echo) as unknown as Server)
    const client = await RawConnection.openTls(port, cert)
    cleanups.push(() => client.close())
    client.send(get('/readyz'))
    expect(await client.receive(ENDED)).toMatch(/ 200 .*ready\n$/s)
  })
})

describe('while it drains', () => {
  it('is not ready before the first connection is asked to leave, and alive to the end', async () => {
    const { server, release } = holding()
    const service = await serving(server)
    const [busy, idle] = [await open(service), await open(service)]
    busy.send(get('/held'))
    await once(server, 'request')
    idle.send(get('/readyz'))
    await idle.receive(ENDED)

    const drained = service.close()
    idle.send(get('/readyz'))
    const unready = await idle.receive(ENDED)
    expect(unready).toMatch(/^HTTP\/1.1 503 .*\r\n\r\nnot ready\n$/s)
    expect(unready).toMatch(/\r\ncache-control: no-store\r\n/)
    expect(unready).toMatch(/\r\nConnection: close\r\n/)
    const later = await open(service)
    later.send(get('/livez'))
    expect(await later.receive(ENDED)).toMatch(/^HTTP\/1.1 200 .*Connection: close\r\n.*live\n$/s)
    release()
    await busy.receive(/held/)
    // The probes were no requests that it waited for, and what they asked on was closed with their answers.
    expect(await drained).toMatchObject({ graceful: true, served: 3, expired: 0, forced: 0 })
  })

  it('is not ready during the delay, while requests are served as before', async () => {
    const service = await serving(createServer(echo), { drain: { delay: 20_000 } })
    const [client, prober] = [await open(service), await open(service)]
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const drained = service.close()
    prober.send(get('/readyz'))
    expect(await prober.receive(ENDED)).toMatch(/ 503 .*Connection: close\r\n/s)
    await prober.closed
    client.send(get('/'))
    expect(await client.receive(/program/)).toMatch(/ 200 .*Connection: keep-alive\r\n/s)
    expect(service.signal.aborted).toBe(false)
    vi.advanceTimersByTime(20_000)
    vi.useRealTimers()
    client.send(get('/'))
    expect(await client.receive(/program/)).toMatch(/ 200 .*Connection: close\r\n/s)
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
  })

  it('stays ready if the next process serves already', async () => {
    const { server, release } = holding()
    const service = await serving(server, { drain: { successor: 'running' } })
    const [busy, idle] = [await open(service), await open(service)]
    busy.send(get('/held'))
    await once(server, 'request')
    idle.send(get('/readyz'))
    await idle.receive(ENDED)
    const drained = service.close()
    idle.send(get('/readyz'))
    expect(await idle.receive(ENDED)).toMatch(/^HTTP\/1.1 200 .*ready\n$/s)
    release()
    await drained
  })
})

describe('a server that listens again', () => {
  it('is ready again', async () => {
    const server = createServer(echo)
    attach(server, { signals: false, probes })
    for (const _ of ['first', 'second']) {
      server.listen(0)
      await once(server, 'listening')
      const client = await open(server.address() as { port: number })
      client.send(get('/readyz'))
      expect(await client.receive(ENDED)).toMatch(/ 200 .*ready\n$/s)
      client.close()
      const closed = once(server, 'close')
      server.close()
      await closed
    }
    expect(Object.hasOwn(server, 'emit')).toBe(false)
  })

  it('that listened before it was attached is answered for at once', async () => {
    const server = createServer(echo).listen(0)
    await once(server, 'listening')
    const { service } = attach(server, { signals: false, probes })
    cleanups.push(() => service?.close({ quick: true }))
    const client = await open(server.address() as { port: number })
    client.send(get('/readyz'))
    expect(await client.receive(ENDED)).toMatch(/ 200 .*ready\n$/s)
  })
})

describe('HTTP/2', () => {
  async function ask(url: string, ...requests: object[]): Promise<[IncomingHttpHeaders, string][]> {
    const session = connect(url, { ca: cert })
    cleanups.push(() => session.destroy())
    const answers: [IncomingHttpHeaders, string][] = []
    for (const request of requests) {
      const stream = session.request({ ':path': '/readyz', ...request })
      const [headers] = await once(stream, 'response')
      answers.push([headers, await text(stream)])
    }
    return answers
  }

  it.each([
    ['h2c', () => createHttp2()],
    ['TLS', () => createSecureServer({ key, cert })],
  ])('over %s is answered before streams and requests of the program', async (_, create) => {
    const server = create()
    const [streams, requests] = [vi.fn(), vi.fn()]
    server.on('request', requests).on('stream', (stream, headers) => {
      streams(headers[':path'])
      stream.respond()
      stream.end('program')
    })
    const service = await serving(server as AnyServer)
    const answers = await ask(
      service.url,
      {},
      { ':method': 'HEAD' },
      { ':path': '/livez?x' },
      { ':method': 'DELETE' },
    )
    expect(answers).toMatchObject([
      [{ ':status': 200, 'cache-control': 'no-store', 'content-length': '6' }, 'ready\n'],
      [{ ':status': 200, 'content-length': '6' }, ''],
      [{ ':status': 200 }, 'live\n'],
      [{ ':status': 200 }, 'program'],
    ])
    expect(streams.mock.calls).toEqual([['/readyz']])
    expect(requests).toHaveBeenCalledOnce()
  })

  it('with allowHTTP1 is answered in both', async () => {
    const server = createSecureServer({ key, cert, allowHTTP1: true }, (_, response) =>
      response.end(),
    )
    const service = await serving(server as AnyServer)
    expect(await ask(service.url, {})).toMatchObject([[{ ':status': 200 }, 'ready\n']])
    const client = await RawConnection.openTls(service.port ?? 0, cert)
    cleanups.push(() => client.close())
    client.send(get('/readyz'))
    expect(await client.receive(ENDED)).toMatch(/ 200 .*ready\n$/s)
  })

  it('is not ready during the drain, and its sessions end', async () => {
    const held: { end(text: string): unknown }[] = []
    const server = createHttp2((_, response) => held.push(response))
    const service = await serving(server)
    const session = connect(service.url)
    cleanups.push(() => session.destroy())
    const busy = session.request({ ':path': '/held' })
    await once(server, 'request')
    const drained = service.close()
    const [[headers] = []] = await ask(service.url, {})
    expect(headers).toMatchObject({ ':status': 503 })
    held[0]?.end('held')
    await text(busy)
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
  })
})

describe('the option', () => {
  it.each([
    [null, /probes must be an object, such as .*\(got null\)/],
    [true, /probes must be an object/],
    ['/readyz', /probes must be an object/],
    [{}, /a path as ready, as live, or as both/],
    [{ port: 9000 }, /a path as ready, as live, or as both/],
    [{ ready: 'readyz' }, /probes\.ready must be a path that begins with \/.*\(got "readyz"\)/],
    [{ ready: '/readyz?x' }, /probes\.ready must be a path/],
    [{ live: '/li vez' }, /probes\.live must be a path/],
    [{ live: '/läuft' }, /probes\.live must be a path/],
    [{ live: '' }, /probes\.live must be a path/],
    [{ live: 1 }, /probes\.live must be a path/],
    [{ ready: '/up', live: '/up' }, /probes\.live must be another path than probes\.ready/],
    [{ live: '/up', host: '::1' }, /probes\.host must be absent where probes\.port is/],
    [{ live: '/up', port: 9000, host: '' }, /probes\.host must be a string that is not empty/],
    [{ live: '/up', port: 65_536 }, /^probes\.port must be an integer between 0 and 65535/],
    [{ live: '/up', port: undefined }, /^probes\.port must be .*the variable is missing/],
    [{ live: '/up', path: '/run/x' }, /there is no option of probes "path"; known are ready, live/],
  ])('refuses %j', async (value, message) => {
    const given = { port: 0, probes: value as never }
    await expect(serve(createServer(), given)).rejects.toThrow(message)
    expect(() => attach(createServer(), { probes: value as never })).toThrow(message)
  })

  it('needs a port of its own for a server that speaks no HTTP', async () => {
    const message = /probes\.port must be a port where the server speaks no HTTP/
    await expect(serve(createTcp(), { port: 0, probes })).rejects.toThrow(message)
    expect(() => attach(createTcp(), { probes })).toThrow(message)
  })
})
