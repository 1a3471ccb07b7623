import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../base/types.ts'
import { onShutdown, shutdown } from '../lifecycle/shutdown.ts'
import { type Attached, type AttachParts, attach } from './attach.ts'
import type { AttachOptions } from './options.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()))
  process.exitCode = undefined
})

const own: AttachOptions = { signals: false, exit: false }

const newServer = (): Server => createServer((request, response) => void response.end(request.url))

async function listening(parts: AttachParts = {}, options: AttachOptions = {}): Promise<Attached> {
  const server = newServer()
  const attached = attach(server, { ...own, ...options }, parts)
  cleanups.push(() => attached.drain())
  server.listen(0)
  await once(server, 'listening')
  return attached
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

function recorder(): { logger: Logger; errors: string[] } {
  const errors: string[] = []
  const none = (): void => {}
  return {
    errors,
    logger: { debug: none, info: none, warn: none, error: (text) => errors.push(text) },
  }
}

describe('a server', () => {
  it('is attached only once', () => {
    const server = newServer()
    attach(server, own)
    expect(() => attach(server, own)).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKET_PORT_ALREADY_ATTACHED' }),
    )
  })

  it('that listens already is drained from then on', async () => {
    const server = newServer().listen(0)
    await once(server, 'listening')
    const attached = attach(server, own)
    expect(attached.service).toMatchObject({
      source: 'bound',
      state: 'ready',
      port: portOf(server),
    })
    const client = await RawConnection.open(portOf(server))
    client.send(get('/first'))
    await client.receive(/\/first$/)
    const drained = attached.drain()
    client.send(get('/again'))
    expect(await client.receive(/\/again$/)).toMatch(/connection: close/i)
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })

  it('is a complete service when the program gets the event that it listens', async () => {
    const server = newServer()
    const attached = attach(server, own)
    cleanups.push(() => attached.drain())
    const seen = vi.fn(() => {
      const { source, port, url } = attached.service ?? {}
      expect({ source, port, url }).toEqual({
        source: 'bound',
        port: portOf(server),
        url: `http://localhost:${portOf(server)}`,
      })
    })
    server.on('listening', seen).listen(0)
    await once(server, 'listening')
    expect(seen).toHaveBeenCalledOnce()
  })

  it("takes no part in the shutdown if a listener of 'listening' has closed it", async () => {
    const server = newServer()
    const attached = attach(server, { ...own, signals: ['SIGTERM'] })
    server.on('listening', () => server.close()).listen(0)
    const before = process.listenerCount('SIGTERM')
    await once(server, 'close')
    expect(process.listenerCount('SIGTERM')).toBe(before - 1)
    expect(attached.service?.state).toBe('closed')
  })

  it("that is closed while its host is looked up never emits 'listening'", async () => {
    let found = (): void => {}
    vi.spyOn(dns, 'lookup').mockImplementation(((...args: unknown[]) => {
      const all = typeof args[1] === 'object' && args[1] !== null && 'all' in args[1]
      const callback = args.at(-1) as (error: null, ...found: unknown[]) => void
      const address = '127.0.0.1'
      found = () => (all ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4))
    }) as typeof dns.lookup)
    const server = newServer()
    const attached = attach(server, own)
    server.on('listening', () => expect.unreachable())
    server.on('error', () => {})
    server.listen(0, 'app.invalid')
    await attached.drain()
    found()
    await new Promise(setImmediate)
    expect(server.listening).toBe(false)
  })
})

describe('onDrain', () => {
  const upgrade = get('/', 'Connection: Upgrade\r\nUpgrade: test')

  it('is called once, so that the framework ends its connections before the requests in flight are waited for', async () => {
    let held: ServerResponse | undefined
    const upgraded: Duplex[] = []
    const server = createServer((request, response) => {
      if (request.url === '/held') held = response
      else response.end('hello')
    })
    server.on('upgrade', (_, socket) => {
      upgraded.push(socket)
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    })
    const onDrain = vi.fn(() => {
      for (const socket of upgraded) socket.end('bye')
    })
    const attached = attach(server, own, { onDrain })
    server.listen(0)
    await once(server, 'listening')
    const [idle, busy, other] = await Promise.all(
      [1, 2, 3].map(() => RawConnection.open(portOf(server))),
    )
    idle?.send(get('/'))
    await idle?.receive(/hello$/)
    other?.send(upgrade)
    await other?.receive(/101 [\s\S]*\r\n\r\n/)
    busy?.send(get('/held'))
    await once(server, 'request')

    const drained = attached.drain()
    expect(await other?.receive(/bye$/)).toMatch(/bye$/)
    idle?.send(get('/'))
    expect(await idle?.receive(/hello$/)).toMatch(/connection: close/i)
    held?.end('held')
    await busy?.receive(/held$/)
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
    await attached.drain()
    expect(onDrain).toHaveBeenCalledOnce()
  })

  it('is called after the delay', async () => {
    const onDrain = vi.fn()
    const attached = await listening({ onDrain }, { drain: { delay: 20 } })
    const drained = attached.drain()
    expect(onDrain).not.toHaveBeenCalled()
    await drained
    expect(onDrain).toHaveBeenCalledOnce()
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no gateway')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no gateway'))],
  ])('that %s is a warning, and the drain goes on', async (_, onDrain) => {
    const warn = vi.fn()
    const { logger } = recorder()
    const attached = await listening({ onDrain }, { logger: { ...logger, warn } })
    expect(await attached.drain()).toMatchObject({ graceful: true })
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/own connections.*Error: no gateway/)]])
  })

  it('is not called if the server never listened', async () => {
    const onDrain = vi.fn()
    const server = newServer()
    const attached = attach(server, own, { onDrain })
    server.listen(0)
    await attached.drain()
    expect(onDrain).not.toHaveBeenCalled()
  })
})

describe('the message that it listens', () => {
  it.each([
    [true, 'debug'],
    [false, 'info'],
  ])('has, with announces: %s, the level %s', async (announces, level) => {
    const { logger } = recorder()
    const messages: string[] = []
    const say = vi.fn((text: string) => void messages.push(text))
    await listening({ announces }, { logger: { ...logger, [level]: say } })
    expect(messages).toEqual([expect.stringMatching(/^listening on /)])
  })
})

describe('the default host', () => {
  it.each([
    ['localhost', 'localhost'],
    ['127.0.0.1', '127.0.0.1'],
  ])('%s is bound if the framework names it', async (defaultHost, host) => {
    const server = newServer()
    const attached = attach(server, own, { defaultHost })
    cleanups.push(() => attached.drain())
    server.listen({ port: 0, host })
    await once(server, 'listening')
    expect(['127.0.0.1', '::1']).toContain((server.address() as AddressInfo).address)
  })

  it.each([
    [{ port: 0, host: '127.0.0.1' }, '127.0.0.1'],
    [{ port: 0 }, '::'],
  ])('is not used with %j', async (options, address) => {
    const server = newServer()
    const attached = attach(server, own, { defaultHost: 'localhost' })
    cleanups.push(() => attached.drain())
    server.listen(options)
    await once(server, 'listening')
    expect(server.address()).toMatchObject({ address })
  })
})

describe('finish', () => {
  it('runs when every server has drained, before the hooks', async () => {
    const events: unknown[] = []
    const first = await listening({
      finish: (reason) =>
        events.push(['finish', reason, first.service?.state, other.service?.state]),
    })
    const other = await listening()
    const client = await RawConnection.open(other.service?.port ?? 0)
    client.send(get('/first'))
    await client.receive(/\/first$/)
    cleanups.push(onShutdown(() => void events.push(['hook'])))
    const done = shutdown()
    await once(first.service?.server as Server, 'close')
    expect(events).toEqual([])
    client.send(get('/last'))
    await client.receive(/\/last$/)
    await done
    expect(events).toEqual([['finish', 'shutdown', 'closed', 'closed'], ['hook']])
    expect(process.exitCode).toBeUndefined()
  })

  it('that fails is logged, and makes the exit code 1; the hooks run', async () => {
    const { logger, errors } = recorder()
    const closeDatabase = (): Promise<void> => Promise.reject(new Error('no such pool'))
    await listening({ finish: closeDatabase }, { logger })
    const hook = vi.fn()
    cleanups.push(onShutdown(hook))
    await shutdown()
    expect(errors).toEqual([expect.stringMatching(/closeDatabase failed: Error: no such pool/)])
    expect(hook).toHaveBeenCalledOnce()
    expect(process.exitCode).toBe(1)
  })

  it.each([
    [20_000, 20_000],
    [2_000, 5_000],
  ])('that hangs is ended, with a drain.timeout of %i, after %i ms', async (timeout, most) => {
    const { logger, errors } = recorder()
    const began = new Promise<void>((resolve) => {
      const onDrained = (): void => {
        vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
        unsubscribe('socket-port.drain.end', onDrained)
        resolve()
      }
      subscribe('socket-port.drain.end', onDrained)
    })
    const hangs = (): Promise<void> => new Promise(() => {})
    await listening({ finish: hangs }, { logger, drain: { timeout } })
    const done = shutdown()
    await began
    await vi.advanceTimersByTimeAsync(most - 1_000)
    expect(errors).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    await done
    expect(errors).toEqual([expect.stringMatching(/hangs did not end within \d+ ms/)])
  })
})
