import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ChildClient } from '../../core/src/testing/child-client.ts'
import { application, Client, closeAll, onClose, RELEASES } from './testing/applications.ts'
import { resolveLocalhost } from './testing/localhost.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  await closeAll()
})

const port = (app: FastifyInstance): number => (app.server.address() as AddressInfo).port

// The default of `drain.idleTimeout`, in milliseconds.
const IDLE_TIMEOUT = 5_000

const draining = (app: FastifyInstance): Promise<unknown> =>
  once(app.socketPort?.signal as AbortSignal, 'abort')

/** A client of another process, with an idle connection. */
async function inChild(port: number): Promise<ChildClient> {
  const client = new ChildClient({ port, host: '127.0.0.1' })
  onClose(() => client.end())
  expect(await client.ask()).toBe('200 keep-alive')
  return client
}

/** A route whose answer waits for `release`; `entered` settles when it is asked for. */
function held(app: FastifyInstance): { entered: Promise<void>; release(): void } {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const entered = new Promise<void>((resolve) => {
    app.get('/held', async () => {
      resolve()
      await released
      return 'held'
    })
  })
  return { entered, release }
}

describe.each(RELEASES)('with Fastify %s, close', (_, create) => {
  it('answers what is in flight and one more, and then runs the onClose hooks', async () => {
    const app = application(create)
    const { entered, release } = held(app)
    const events: string[] = []
    app.addHook('onResponse', async ({ url }) => void events.push(url))
    app.addHook('preClose', async () => void events.push('preClose'))
    app.addHook('onClose', async () => void events.push('onClose'))
    await app.listen({ port: 0 })
    const [busy, idle] = [new Client(port(app)), new Client(port(app))]
    expect((await idle.get()).headers.connection).toBe('keep-alive')

    const inFlight = busy.get('/held')
    await entered
    expect(app.socketPort?.state).toBe('ready')
    const closed = app.close()
    await draining(app)
    expect(app.socketPort?.state).toBe('draining')
    expect(await idle.get()).toMatchObject({ status: 200, headers: { connection: 'close' } })
    release()
    expect(await inFlight).toMatchObject({
      status: 200,
      headers: { connection: 'close' },
      body: 'held',
    })
    await closed
    expect(events).toEqual(['/', 'preClose', '/', '/held', 'onClose'])
    expect(app.socketPort?.state).toBe('closed')
    expect(app.server.listening).toBe(false)
  })

  it('twice, at the same time and later, is one close', async () => {
    const app = application(create)
    const onClose = vi.fn(async () => {})
    app.addHook('onClose', onClose)
    await app.listen({ port: 0 })
    await Promise.all([app.close(), app.close()])
    await app.close()
    expect(onClose).toHaveBeenCalledOnce()
  })

  it('of an application that never listened only runs the hooks', async () => {
    const app = application(create)
    const onClose = vi.fn(async () => {})
    app.addHook('onClose', onClose)
    await app.ready()
    expect(app.socketPort).toBeUndefined()
    await app.close()
    expect(onClose).toHaveBeenCalledOnce()
  })

  it('right after listen: no server listens later, and listen rejects', async () => {
    const app = application(create)
    const listening = app.listen({ port: 0 })
    const closed = app.close()
    await expect(listening).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_CLOSED' })
    await closed
    expect(app.server.listening).toBe(false)
  })

  it('while localhost is looked up for the server: listen rejects', async () => {
    resolveLocalhost()
    const app = application(create)
    const listening = app.listen({ port: 0 })
    await app.ready()
    const closed = app.close()
    await expect(listening).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_CLOSED' })
    await closed
    expect(app.server.listening).toBe(false)
  })

  it('while localhost is looked up for a further address: nothing fails', async () => {
    const app = application(create)
    let closed = false
    app.server.once('listening', () => {
      resolveLocalhost(async () => {
        app.server.close()
        await once(app.server, 'close')
        closed = true
      })
    })
    await app.listen({ port: 0 })
    expect(closed).toBe(true)
  })

  it('by a signal drains', async () => {
    const abort = new AbortController()
    const app = application(create)
    await app.listen({ port: 0, signal: abort.signal })
    const client = new Client(port(app))
    await client.get()
    abort.abort()
    expect(await client.get()).toMatchObject({ status: 200, headers: { connection: 'close' } })
    await app.close()
    expect(app.server.listening).toBe(false)
  })

  it('with forceCloseConnections cuts nothing that the drain serves', async () => {
    const app = application(create, { forceCloseConnections: true })
    const { entered, release } = held(app)
    await app.listen({ port: 0 })
    const answer = new Client(port(app)).get('/held')
    await entered
    const closed = app.close()
    await draining(app)
    release()
    expect(await answer).toMatchObject({ status: 200 })
    await closed
  })

  it('with forceCloseConnections waits for no idle client', async () => {
    const app = application(create, { forceCloseConnections: true })
    await app.listen({ port: 0 })
    await inChild(port(app))
    await app.close()
  })

  // Fastify promises its clients 72 s, and the drain keeps 5 of them.
  it('does not wait for the clients of this process', async () => {
    const app = application(create)
    await app.listen({ port: 0 })
    const clients = [new Client(port(app)), new Client(port(app))]
    for (const client of clients) await client.get()
    await (await fetch(`http://127.0.0.1:${port(app)}`)).text()
    const drained = app.socketPort?.close()
    await app.close()
    expect(await drained).toMatchObject({ graceful: true, expired: 3, forced: 0 })
    expect((await drained)?.duration).toBeLessThan(IDLE_TIMEOUT)
  })

  it('keeps its promise to a client of another process', async () => {
    const app = application(create)
    await app.listen({ port: 0 })
    const client = await inChild(port(app))
    await new Client(port(app)).get()
    const closed = app.close()
    await draining(app)
    expect(await client.ask()).toBe('200 close')
    await closed
  })
})

describe.each(RELEASES)('with Fastify %s, the server for ::1', (_, create) => {
  it('is drained like that for 127.0.0.1', async () => {
    resolveLocalhost()
    const app = application(create)
    const { entered, release } = held(app)
    const onClose = vi.fn(async () => {})
    app.addHook('onClose', onClose)
    await app.listen({ port: 0 })
    expect(app.addresses()).toMatchObject([{ address: '::1' }, { address: '127.0.0.1' }])
    const [busy, idle] = [new Client(port(app), '::1'), new Client(port(app), '::1')]
    await idle.get()

    const inFlight = busy.get('/held')
    await entered
    const mainClosed = once(app.server, 'close')
    const closed = app.close()
    await mainClosed
    expect(await idle.get()).toMatchObject({ status: 200, headers: { connection: 'close' } })
    expect(onClose).not.toHaveBeenCalled()
    release()
    expect(await inFlight).toMatchObject({ status: 200, body: 'held' })
    await closed
    expect(onClose).toHaveBeenCalledOnce()
    expect(app.addresses()).toEqual([])
  })
})
