import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer as createNet } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTls } from 'node:tls'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AnyServer, Logger, ServeOptions, Service } from '../base/types.ts'
import { serve } from './serve.ts'

// A drain that waits for its code answers with keep-alive.

const services: Service[] = []
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.close()))
})

const own: ServeOptions = { signals: false, exit: false }

async function serving<S extends AnyServer>(
  server: S,
  options?: ServeOptions,
): Promise<Service<S>> {
  const service = await serve(server, { ...own, ...options })
  services.push(service)
  return service
}

function recorder(): { logger: Logger; lines: string[] } {
  const lines: string[] = []
  const level = (name: string) => (message: string) => void lines.push(`${name} ${message}`)
  return {
    lines,
    logger: {
      debug: level('debug'),
      info: level('info'),
      warn: level('warn'),
      error: level('error'),
    },
  }
}

describe('a service', () => {
  it('has its server, source and address, also after it has closed', async () => {
    const server = createServer()
    const service = await serving(server)
    expect(service.server).toBe(server)
    expect(service.source).toBe('bound')
    expect(service.state).toBe('ready')
    expect(service.address).toEqual(server.address())
    expect(service.port).toBeGreaterThan(0)
    const { url, port } = service
    await service.close()
    expect(service).toMatchObject({ state: 'closed', url, port })
    expect(server.listening).toBe(false)
  })

  it.each([
    ['http', () => createServer()],
    ['https', () => createHttps({ key, cert })],
    ['tls', () => createTls({ key, cert })],
    ['tcp', () => createNet()],
  ])('has a URL that begins with %s:', async (scheme, create) => {
    const service = await serving(create() as AnyServer)
    expect(service.url).toBe(`${scheme}://localhost:${service.port}`)
  })

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '[::1]'],
    ['0.0.0.0', 'localhost'],
  ])('on %s has the URL of %s', async (host, shown) => {
    const service = await serving(createServer(), { host })
    expect(service.url).toBe(`http://${shown}:${service.port}`)
  })

  it('on a unix socket has its path, and no port', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'serve-'))
    const path = join(folder, 'app.sock')
    const service = await serving(createServer(), { path })
    expect(service).toMatchObject({ address: path, port: undefined, url: `unix:${path}` })
    await service.close()
    rmSync(folder, { recursive: true })
  })

  it('is closed once, however often it is asked to', async () => {
    const service = await serving(createServer())
    const first = service.close()
    const [one, two] = await Promise.all([first, service.close()])
    expect(one).toBe(two)
    expect(one).toMatchObject({ graceful: true, served: 0, handedOver: 0, expired: 0, forced: 0 })
    expect(one.duration).toBeGreaterThanOrEqual(0)
  })

  it('closes idle connections at once in the quick form', async () => {
    const service = await serving(createServer((_, response) => void response.end('ok')))
    const client = await RawConnection.open(service.port ?? 0)
    client.send(get('/'))
    await client.receive(/ok$/)
    expect(await service.close({ quick: true })).toMatchObject({ graceful: true, expired: 1 })
    await client.closed
  })

  it('has a signal that any number of responses may listen to', async () => {
    const service = await serving(createServer())
    const warned = vi.fn()
    process.on('warning', warned)
    for (let n = 0; n < 20; n += 1) service.signal.addEventListener('abort', () => {})
    await new Promise(setImmediate)
    process.off('warning', warned)
    expect(warned).not.toHaveBeenCalled()
  })

  it('is closed by `await using`', async () => {
    const server = createServer()
    const service = await serving(server)
    await service[Symbol.asyncDispose]()
    expect(service.state).toBe('closed')
  })

  it('is closed when its server is', async () => {
    const server = createServer()
    const service = await serving(server)
    server.close()
    await once(server, 'close')
    expect(service.state).toBe('closed')
  })

  it('drains when its signal is aborted', async () => {
    const abort = new AbortController()
    const server = createServer((_, response) => void response.end(service.state))
    const service = await serving(server, { signal: abort.signal })
    const client = await RawConnection.open(service.port ?? 0)
    client.send(get('/'))
    await client.receive(/ready$/)
    abort.abort()
    expect(service.state).toBe('draining')
    expect(service.signal.aborted).toBe(true)
    client.send(get('/'))
    expect(await client.receive(/draining$/)).toMatch(/connection: close/i)
    expect(await service.close()).toMatchObject({ graceful: true, served: 1 })
  })

  it('is not started by a signal that is aborted already', async () => {
    const server = createServer()
    const signal = AbortSignal.abort(new Error('not today'))
    await expect(serve(server, { ...own, signal })).rejects.toThrow('not today')
    expect(server.listening).toBe(false)
  })

  it('can be followed by another on the same server and port', async () => {
    const server = createServer((_, response) => void response.end('ok'))
    const first = await serving(server)
    const { port = 0 } = first
    await first.close()
    const second = await serving(server, { port })
    expect(second).toMatchObject({ state: 'ready', port })
    const client = await RawConnection.open(port)
    client.send(get('/', 'Connection: close'))
    await client.receive(/ok$/)
  })

  it('tells its logger when it listens and when it has drained', async () => {
    const { logger, lines } = recorder()
    const service = await serving(createServer(), { logger })
    await service.close()
    expect(lines).toEqual([
      `info listening on [::]:${service.port}`,
      expect.stringMatching(
        /^info drained http:\S+ in \d+ ms: 0 requests served meanwhile, 0 idle connections closed, 0 connections cut$/,
      ),
    ])
  })

  it('warns of an idleExit after which no process would listen', async () => {
    const { logger, lines } = recorder()
    const { url } = await serving(createServer(), { logger, idleExit: 60_000 })
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([
      `warn idleExit has no effect on ${url}: this process bound its socket itself, so no manager would start it ` +
        'again for the next connection. Let a .socket unit of systemd open the socket',
    ])
  })

  it('publishes its events on diagnostics_channel', async () => {
    const names = ['socket-port.listen', 'socket-port.drain.start', 'socket-port.drain.end']
    const heard = vi.fn()
    for (const name of names) subscribe(name, heard)
    const server = createServer()
    const service = await serving(server)
    const result = await service.close()
    for (const name of names) unsubscribe(name, heard)
    expect(heard.mock.calls.map(([message, name]) => [name, message])).toEqual([
      ['socket-port.listen', { server, source: 'bound' }],
      ['socket-port.drain.start', { server, connections: 0, quick: false }],
      ['socket-port.drain.end', { server, result }],
    ])
  })

  it('leaves no listener on its server or the process when it could not start', async () => {
    const count = (): number =>
      process.listenerCount('SIGTERM') +
      server.eventNames().flatMap((n) => server.listeners(n)).length
    const { port = 0 } = await serving(createServer())
    const server = createServer()
    const before = count()
    const { signals: _, ...withSignals } = own
    await expect(serve(server, { ...withSignals, port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      port,
      syscall: 'listen',
      message: expect.stringContaining(`this process itself (pid ${process.pid})`),
    })
    expect(count()).toBe(before)
  })

  it('listens for signals only until it has closed', async () => {
    const before = process.listenerCount('SIGTERM')
    const service = await serve(createServer(), { exit: false })
    expect(process.listenerCount('SIGTERM')).toBe(before + 1)
    const second = await serve(createServer(), { exit: false })
    expect(process.listenerCount('SIGTERM')).toBe(before + 1)
    await Promise.all([service.close(), second.close()])
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })
})
