import dns from 'node:dns'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { constants } from 'node:os'
import { join } from 'node:path'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ListenOptions, Logger } from '../base/types.ts'
import { loadLibc } from '../sockets/libc.ts'
import { nativeSystem } from '../sockets/native.ts'
import {
  closeAll,
  descriptors,
  linkOf,
  onClose,
  openClient,
  openServer,
  temporaryDirectory,
} from '../testing/real-sockets.ts'
import { listen, listenFd } from './listen.ts'
import type { Entry } from './passed-sockets.ts'

const key = Symbol.for('@socket-port/core/inherited-sockets/1')
const globals = globalThis as { [key]?: unknown }

const messages: string[] = []
const keep = (message: string): void => void messages.push(message)
const logger: Logger = { debug: () => {}, info: keep, warn: keep, error: keep }

afterEach(async () => {
  vi.restoreAllMocks()
  await closeAll()
  delete globals[key]
  messages.length = 0
})

/** A server that is closed after the test, and that says so where a test leaves it open. */
function newServer(): Server {
  const server = createServer((socket) => socket.destroy())
  onClose(() => new Promise((closed) => server.close(closed)))
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

const failure = async (listening: Promise<unknown>): Promise<NodeJS.ErrnoException> => {
  try {
    await listening
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
  throw new Error('it listens')
}

/** Lets everything that is due happen. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((next) => setImmediate(next))
}

describe('listen', () => {
  it('returns a bare server for a port alone', async () => {
    const server = await listen({ port: 0, logger })
    expect(server.listening).toBe(true)
    expect(messages).toEqual([`listening on [::]:${portOf(server)}`])
    await new Promise((closed) => server.close(closed))
  })

  it('returns the server that was given, whatever its kind', async () => {
    const server = createHttpServer()
    onClose(() => new Promise((closed) => server.close(closed)))
    expect(await listen(server, { port: 0, logger })).toBe(server)
    expect(server.listening).toBe(true)
  })

  it('leaves no event listener of its own behind', async () => {
    const server = newServer()
    const before = server.eventNames()
    await listen(server, { port: 0, logger })
    expect(server.eventNames()).toEqual(before)
  })

  it.each([
    ['an Express application', function express() {}],
    ['an object', { listen() {} }],
    ['nothing', undefined],
  ])('refuses %s in place of a server', async (_, server) => {
    expect(await failure(listen(server as unknown as Server, 8080))).toMatchObject({
      code: 'ERR_SOCKET_PORT_INVALID_OPTION',
      message: expect.stringMatching(/^server must be of node:net, http, https or http2: /),
    })
  })

  it('refuses a server without a target', async () => {
    const listening = listen(newServer(), undefined as unknown as number)
    expect(await failure(listening)).toMatchObject({ code: 'ERR_SOCKET_PORT_INVALID_OPTION' })
  })

  it('refuses a server that listens, or is about to', async () => {
    const server = newServer()
    const first = listen(server, { port: 0, logger })
    const second = listen(server, { port: 0, host: '::1', logger })
    expect(await failure(second)).toMatchObject({
      code: 'ERR_SOCKET_PORT_ALREADY_LISTENING',
      message:
        'cannot listen on port 0 on ::1: the server listens already; remove the other call of listen, or use one server for each socket',
    })
    await first
    expect(await failure(listen(server, { path: '@app', logger }))).toMatchObject({
      code: 'ERR_SOCKET_PORT_ALREADY_LISTENING',
    })
    expect(server.listening).toBe(true)
  })

  it('says that the server was closed before it could listen', async () => {
    const server = newServer()
    const listening = listen(server, { port: 0, logger })
    server.close()
    expect(await failure(listening)).toMatchObject({
      code: 'ERR_SOCKET_PORT_CLOSED',
      message: 'the server was closed before it listened; await listen() before closing it',
    })
  })

  it('may be called again after a failure', async () => {
    const { server: other } = await openServer({ host: '127.0.0.1', port: 0 })
    const server = newServer()
    const target = { port: portOf(other), host: '127.0.0.1', logger }
    expect(await failure(listen(server, target))).toMatchObject({ code: 'EADDRINUSE' })
    expect(server.eventNames()).toEqual(['connection'])
    await listen(server, { port: 0, logger })
    expect(server.listening).toBe(true)
  })

  it('names the host name that does not resolve', async () => {
    const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })
    vi.spyOn(dns, 'lookup').mockImplementation(((...args: unknown[]) => {
      setImmediate(args.at(-1) as (error: Error) => void, notFound)
    }) as typeof dns.lookup)
    const listening = listen(newServer(), { port: 8080, host: 'app.invalid', logger })
    expect(await failure(listening)).toMatchObject({
      code: 'ENOTFOUND',
      port: 8080,
      address: 'app.invalid',
      message:
        'cannot listen on port 8080 on app.invalid (ENOTFOUND): the host name does not resolve; ' +
        'pass an address, or no host to serve every address',
    })
  })

  it('names the address that is not one of this machine', async () => {
    const listening = listen(newServer(), { port: 0, host: '192.0.2.1', logger })
    expect(await failure(listening)).toMatchObject({ code: 'EADDRNOTAVAIL', address: '192.0.2.1' })
  })

  it('does not fall back to IPv4 if the port is taken on IPv6 only', async () => {
    const { server: other } = await openServer({ host: '::', port: 0, ipv6Only: true })
    const listening = listen(newServer(), { port: portOf(other), logger })
    expect(await failure(listening)).toMatchObject({ code: 'EADDRINUSE' })
  })

  it.each(['0.0.0.0', '127.0.0.1'])('fails if the port is taken on %s', async (host) => {
    const { server: other } = await openServer({ host, port: 0 })
    const listening = listen(newServer(), { port: portOf(other), logger })
    expect(await failure(listening)).toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringContaining(`this process itself (pid ${process.pid})`),
    })
  })
})

describe('a kernel without IPv6', () => {
  // The class that node:net itself binds with, whose IPv6 fails as it does under ipv6.disable=1.
  const { TCP } = (process as unknown as { binding(name: string): TcpWrap }).binding('tcp_wrap')

  interface TcpWrap {
    TCP: { prototype: { bind6(): number } }
  }

  beforeEach(() => {
    vi.spyOn(TCP.prototype, 'bind6').mockReturnValue(-constants.errno.EAFNOSUPPORT)
  })

  it('serves IPv4 only, if no host is asked for', async () => {
    const server = await listen(newServer(), { port: 0, logger })
    expect(server.address()).toMatchObject({ address: '0.0.0.0', family: 'IPv4' })
    await openClient({ port: portOf(server) })
  })

  it.each<ListenOptions>([{ host: '::' }, { ipv6Only: true }])(
    'fails if IPv6 is asked for: %j',
    async (options) => {
      expect(await failure(listen(newServer(), { port: 0, logger, ...options }))).toMatchObject({
        code: 'EAFNOSUPPORT',
        message: expect.stringMatching(
          /\(EAFNOSUPPORT\): the kernel lacks this address family; pass an IPv4 host, or none$/,
        ),
      })
    },
  )
})

describe('an abort', () => {
  const reason = new Error('no longer wanted')

  const start = (
    options: ListenOptions,
  ): { server: Server; listening: Promise<Server>; abort(): void } => {
    const server = newServer()
    const controller = new AbortController()
    const listening = listen(server, { logger, signal: controller.signal, ...options })
    return { server, listening, abort: () => controller.abort(reason) }
  }

  it('before the call: nothing is bound, and the server can be used', async () => {
    const server = newServer()
    const signal = AbortSignal.abort(reason)
    expect(await failure(listen(server, { port: 0, logger, signal }))).toBe(reason)
    await listen(server, { port: 0, logger })
    expect(server.listening).toBe(true)
  })

  it('directly after the call: the port is free again', async () => {
    const { server: other } = await openServer({ port: 0 })
    const port = portOf(other)
    await new Promise((closed) => other.close(closed))
    const { server, listening, abort } = start({ port })
    abort()
    expect(await failure(listening)).toBe(reason)
    expect(server.listening).toBe(false)
    await listen(newServer(), { port, logger })
  })

  it('while a host name is looked up: the server does not listen later', async () => {
    let found = (): void => {}
    vi.spyOn(dns, 'lookup').mockImplementation(((...args: unknown[]) => {
      const callback = args.at(-1) as (error: null, address: string, family: number) => void
      found = () => callback(null, '127.0.0.1', 4)
    }) as typeof dns.lookup)
    const { server, listening, abort } = start({ port: 0, host: 'app.invalid' })
    abort()
    expect(await failure(listening)).toBe(reason)
    found()
    await settled()
    expect(server.listening).toBe(false)
  })

  it('while a stale socket is removed: nothing is bound', async () => {
    const path = join(temporaryDirectory(), 'app.sock')
    await openServer({ path })
    const { server, listening, abort } = start({ path })
    abort()
    expect(await failure(listening)).toBe(reason)
    await settled()
    expect(server.listening).toBe(false)
  })

  it('after it listens: the server is closed', async () => {
    const { server, listening, abort } = start({ port: 0 })
    await listening
    abort()
    await once(server, 'close')
    expect(server.listening).toBe(false)
  })

  it("in a listener of 'listening': the server is closed", async () => {
    const { server, listening, abort } = start({ port: 0 })
    server.once('listening', abort)
    const closed = once(server, 'close')
    await listening
    expect(server.listening).toBe(false)
    await closed
  })

  it('that does not happen does not close the server', async () => {
    const { server, listening } = start({ port: 0 })
    expect(await listening).toBe(server)
    await openClient({ port: portOf(server) })
  })
})

describe(...requireOrSkip('an inherited socket', linuxSkipReason()), () => {
  const system = nativeSystem(loadLibc())

  /** A socket such as a manager passes: this process has it, and no server of it. */
  async function inherit(): Promise<{ entry: Entry; port: number }> {
    const { server, fd: known } = await openServer({ port: 0, backlog: 33 })
    const port = portOf(server)
    const fd = system.duplicate(known) ?? -1
    onClose(() => closeSync(fd))
    await new Promise((closed) => server.close(closed))
    const facts = system.describe(fd)
    if (typeof facts === 'string') throw new Error(facts)
    const entry: Entry = {
      ...facts,
      fd,
      name: 'web',
      fdname: 'web',
      origin: 'passed',
      state: { kind: 'unclaimed' },
    }
    globals[key] = { entries: [entry], system }
    return { entry, port }
  }

  const sameAs = (fd: number): number[] =>
    descriptors('socket:').filter((other) => linkOf(other) === linkOf(fd))

  it('is served through a duplicate, which goes when the server closes', async () => {
    const { entry, port } = await inherit()
    const server = newServer()
    await listen(server, { port, logger })
    expect(messages).toEqual([`listening on [::]:${port}, inherited as fd ${entry.fd} "web"`])
    expect(sameAs(entry.fd)).toHaveLength(2)
    expect(entry.state).toMatchObject({ kind: 'taken', takers: 1 })
    await new Promise((closed) => server.close(closed))
    expect(sameAs(entry.fd)).toEqual([entry.fd])
    expect(entry.state).toEqual({ kind: 'released' })
    expect(system.describe(entry.fd)).toMatchObject({ listening: true, backlog: 33 })
  })

  it('is free again after an abort directly after the call', async () => {
    const { entry, port } = await inherit()
    const controller = new AbortController()
    const listening = listen(newServer(), { port, logger, signal: controller.signal })
    controller.abort()
    expect(await failure(listening)).toBe(controller.signal.reason)
    await settled()
    expect(sameAs(entry.fd)).toEqual([entry.fd])
    expect(entry.state).toEqual({ kind: 'released' })
  })

  it('is not taken if the signal is aborted already', async () => {
    const { entry, port } = await inherit()
    const listening = listen(newServer(), { port, logger, signal: AbortSignal.abort() })
    expect(await failure(listening)).toMatchObject({ name: 'AbortError' })
    expect(sameAs(entry.fd)).toEqual([entry.fd])
    expect(entry.state).toEqual({ kind: 'unclaimed' })
  })

  it('can be taken as a close-on-exec descriptor that the caller owns', async () => {
    const { entry, port } = await inherit()
    const fd = listenFd({ port, logger }) ?? -1
    expect(linkOf(fd)).toBe(linkOf(entry.fd))
    expect(listenFd({ port, logger })).toBeUndefined()
    closeSync(fd)
    expect(sameAs(entry.fd)).toEqual([entry.fd])
    expect(listenFd({ port: 1, logger })).toBeUndefined()
    expect(() => listenFd({ port: 1, logger, inherit: 'require' })).toThrowError(
      expect.objectContaining({ code: 'ERR_SOCKET_PORT_NOT_INHERITED' }),
    )
  })
})
