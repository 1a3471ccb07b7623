import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createTcp, Server as NetServer } from 'node:net'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ListenEvent } from '../base/channels.ts'
import type { AnyServer, ServeOptions, Service } from '../base/types.ts'
import { attach } from '../service/attach.ts'
import { serve } from '../service/serve.ts'

/** The servers that have listened, in this order. */
const listened: AnyServer[] = []
let anotherListens = (): void => {}
subscribe('socket-port.listen', (event) => {
  listened.push((event as ListenEvent).server)
  anotherListens()
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  expect(listened.splice(0).filter(({ listening }) => listening)).toEqual([])
})

const probes = { ready: '/readyz', live: '/livez', port: 0 }

async function serving(
  options?: ServeOptions,
  server: AnyServer = createServer(),
): Promise<Service> {
  const service = await serve(server, { port: 0, signals: false, probes, ...options })
  cleanups.push(() => service.close({ quick: true }))
  return service
}

const portOf = (server: AnyServer | undefined): number => Object(server?.address()).port

/** The server that answers probes listens first. */
const probePort = (): number => portOf(listened[0])

async function ask(path: string, port = probePort(), method = 'GET'): Promise<string> {
  const client = await RawConnection.open(port)
  client.send(get(path).replace('GET', method))
  await client.closed
  return client.text
}

/** Resolves when the server accepts no more. Its 'close' comes later, when its connections have ended too. */
function stopsAccepting(server: AnyServer | undefined): Promise<void> {
  const { close } = NetServer.prototype
  return new Promise((resolve) => {
    const spied = vi.spyOn(NetServer.prototype, 'close').mockImplementation(function (
      this: NetServer,
      ...done
    ) {
      close.apply(this, done)
      if (this === server) resolve()
      return this
    })
    cleanups.push(() => spied.mockRestore())
  })
}

/** Waits until the server that answers probes has closed. */
async function ended(): Promise<void> {
  const [server] = listened
  if (server?.listening) await once(server, 'close')
}

const closed = async (port: number): Promise<boolean> =>
  RawConnection.open(port).then(
    (client) => client.closed.then(() => false),
    ({ code }) => code === 'ECONNREFUSED',
  )

describe('a port of its own', () => {
  it('answers probes, and nothing else, each on a connection of its own', async () => {
    const program = vi.fn((_, response) => response.end('program'))
    const { port = 0 } = await serving({}, createServer(program))
    const ready = await ask('/readyz?x=1')
    expect(ready).toMatch(/^HTTP\/1.1 200 OK\r\ncache-control: no-store\r\n.*\r\n\r\nready\n$/s)
    expect(ready).toMatch(/\r\nConnection: close\r\n/)
    expect(await ask('/livez')).toMatch(/^HTTP\/1.1 200 .*live\n$/s)
    expect(await ask('/livez', probePort(), 'HEAD')).toMatch(/^HTTP\/1.1 200 .*\r\n\r\n$/s)
    expect(await ask('/')).toMatch(/^HTTP\/1.1 404 .*Connection: close\r\n.*not found\n/s)
    expect(await ask('/livez', probePort(), 'POST')).toMatch(/^HTTP\/1.1 404 /)
    expect(program).not.toHaveBeenCalled()
    // The paths are free for the program on its own port.
    const client = await RawConnection.open(port)
    client.send(get('/readyz'))
    expect(await client.receive(/program$/)).toMatch(/ 200 /)
    client.close()
  })

  it('serves a program that speaks no HTTP', async () => {
    await serving({}, createTcp())
    expect(await ask('/readyz')).toMatch(/ 200 .*ready\n$/s)
  })

  it('answers while the program drains, also when it accepts no more, and then closes', async () => {
    const server = createTcp()
    const service = await serving({}, server)
    const client = await RawConnection.open(service.port ?? 0)
    const port = probePort()
    const stopped = stopsAccepting(server)
    const drained = service.close()
    await stopped
    expect(await ask('/readyz')).toMatch(/^HTTP\/1.1 503 .*not ready\n$/s)
    expect(await ask('/livez')).toMatch(/^HTTP\/1.1 200 .*live\n$/s)
    client.close()
    expect(await drained).toMatchObject({ graceful: true })
    await ended()
    expect(await closed(port)).toBe(true)
  })

  it('is left to the next process if that serves already', async () => {
    const server = createTcp()
    const service = await serving({ drain: { successor: 'running' } }, server)
    const client = await RawConnection.open(service.port ?? 0)
    // It has connected, and asks when the port has closed.
    const prober = await RawConnection.open(probePort())
    const stopped = stopsAccepting(listened[0])
    const drained = service.close()
    await stopped
    prober.send(get('/readyz'))
    await prober.closed
    expect(prober.text).toMatch(/ 200 .*ready\n$/s)
    client.close()
    await drained
  })

  it('is one for all servers of a program, which are ready together', async () => {
    const [first, second] = [await serving({}, createTcp()), await serving()]
    expect(listened.length).toBe(3)
    expect(await ask('/readyz')).toMatch(/ 200 /)
    const client = await RawConnection.open(first.port ?? 0)
    const drained = first.close()
    expect(await ask('/readyz')).toMatch(/ 503 /)
    client.close()
    await drained
    expect(await ask('/readyz')).toMatch(/ 200 /)
    await second.close()
  })

  it.each(['127.0.0.1', '::1'])('listens on %s alone', async (host) => {
    await serving({ probes: { ...probes, host } })
    expect(listened[0]?.address()).toMatchObject({ address: host })
  })

  it('opens before the server of an adapter listens, and closes with it', async () => {
    const server = createServer()
    attach(server, { signals: false, probes })
    for (const _ of ['first', 'second']) {
      server.listen(0)
      await once(server, 'listening')
      expect(listened.at(-1)).toBe(server)
      expect(await ask('/readyz')).toMatch(/ 200 /)
      const done = once(server, 'close')
      server.close()
      await done
      await ended()
      listened.length = 0
    }
  })

  it('serves a server that listened before it was attached', async () => {
    const server = createServer().listen(0)
    await once(server, 'listening')
    const listens = new Promise<void>((resolve) => {
      anotherListens = resolve
    })
    const { service } = attach(server, { signals: false, probes })
    cleanups.push(() => service?.close({ quick: true }))
    await listens
    expect(await ask('/readyz')).toMatch(/ 200 /)
  })
})

describe('a port that cannot be opened', () => {
  async function busy(): Promise<number> {
    const holder = createTcp().listen(0)
    await once(holder, 'listening')
    cleanups.push(() => void holder.close())
    return portOf(holder)
  }

  it('rejects the start of the server, and nothing listens', async () => {
    const port = await busy()
    const server = createServer()
    await expect(
      serve(server, { port: 0, signals: false, probes: { ...probes, port } }),
    ).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringMatching(
        new RegExp(`^probes.port: cannot listen on port ${port} \\(EADDRINUSE\\): it is held by`),
      ),
    })
    expect(server.listening).toBe(false)
    expect(server.eventNames()).toEqual(createServer().eventNames())
  })

  it('is an error event of the server of an adapter, which may listen again', async () => {
    const port = await busy()
    const server: Server = createServer()
    attach(server, { signals: false, probes: { ...probes, port } })
    const listeners: number[] = []
    for (const _ of ['first', 'second']) {
      server.listen(0)
      const [error] = await once(server, 'error')
      expect(error.code).toBe('EADDRINUSE')
      listeners.push(server.listenerCount('close'))
    }
    expect(server.listening).toBe(false)
    expect(listeners[1]).toBe(listeners[0])
  })

  it('closes with a server that cannot listen itself', async () => {
    const port = await busy()
    await expect(serve(createServer(), { port, signals: false, probes })).rejects.toThrow(
      new RegExp(`^cannot listen on port ${port} `),
    )
    await ended()
  })

  it('is closed again if the start is aborted in between', async () => {
    const abort = new AbortController()
    const started = serve(createServer(), {
      port: 0,
      signals: false,
      probes,
      signal: abort.signal,
    })
    abort.abort(new Error('no more'))
    await expect(started).rejects.toThrow('no more')
    await ended()
  })
})
