import { EventEmitter, once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import websocket from '@fastify/websocket'
import { shutdown } from '@socket-port/core'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { socketPort } from './index.ts'
import { Client, closeAll, onClose, QUIET, RELEASES } from './testing/applications.ts'

afterEach(closeAll)

const port = (app: FastifyInstance): number => (app.server.address() as AddressInfo).port

interface Held {
  entered: Promise<void>
  release(): void
}

/** A route whose answer waits for `release`. */
function hold(app: FastifyInstance): Held {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  app.get('/', async () => 'hello')
  const entered = new Promise<void>((resolve) => {
    app.get('/held', async () => {
      resolve()
      await released
      return 'held'
    })
  })
  return { entered, release }
}

interface Hooked {
  app: FastifyInstance
  ran: string[]
  /** What ran, once so many have. */
  until(count: number): Promise<string[]>
}

/** Writes down which of its hooks ran, and on which instance. */
function hooked(app: FastifyInstance, withPlugin: boolean): Hooked {
  const ran: string[] = []
  const progress = new EventEmitter()
  const note = (what: string): void => {
    ran.push(what)
    progress.emit('ran')
  }
  const until = async (count: number): Promise<string[]> => {
    while (ran.length < count) await once(progress, 'ran')
    return ran
  }
  app.register(async (child) => {
    child.addHook('preClose', async function inner() {
      note(`inner, of the application: ${this === app}`)
    })
    if (withPlugin) await child.register(socketPort, QUIET)
  })
  app.addHook('preClose', (done) => {
    note('with a callback')
    setImmediate(done)
  })
  app.addHook('preClose', async function outer() {
    note(`outer, of the application: ${this === app}`)
  })
  app.addHook('onClose', async () => note('onClose'))
  return { app, ran, until }
}

const ways: [string, (app: FastifyInstance) => Promise<unknown>][] = [
  ['app.close()', (app) => app.close()],
  ['the shutdown of the process', () => shutdown()],
  ['the close of its server', (app) => new Promise((done) => app.server.close(done))],
]

describe.each(RELEASES)('with Fastify %s', (_, create) => {
  describe.each(ways)('%s', (_, close) => {
    it('closes WebSockets first, and answers every request', async () => {
      const app = create()
      app.register(socketPort, QUIET)
      app.register(websocket)
      app.register(async (child) => {
        child.get('/socket', { websocket: true }, (socket) => socket.send('open'))
      })
      const { entered, release } = hold(app)
      onClose(() => app.close())
      await app.listen({ port: 0, host: '127.0.0.1' })
      const [busy, idle] = [new Client(port(app)), new Client(port(app))]
      await idle.get()
      const socket = new WebSocket(`ws://127.0.0.1:${port(app)}/socket`)
      await once(socket, 'message')
      const inFlight = busy.get('/held')
      await entered

      const closed = close(app)
      expect((await once(socket, 'close'))[0]).toBe(1001)
      // New ones are served, as requests are.
      const later = new WebSocket(`ws://127.0.0.1:${port(app)}/socket`)
      await once(later, 'message')
      const laterClosed = once(later, 'close')
      expect(await idle.get()).toMatchObject({ status: 200, headers: { connection: 'close' } })
      release()
      expect(await inFlight).toMatchObject({ status: 200, body: 'held' })
      expect((await laterClosed)[0]).toBe(1001)
      await closed
    })

    it('closes WebSockets as a preClose of the program says', async () => {
      const app = create()
      app.register(socketPort, QUIET)
      app.register(websocket, {
        preClose(this: FastifyInstance, done) {
          for (const client of this.websocketServer.clients) client.close(4000, 'bye')
          setImmediate(done)
        },
      })
      app.register(async (child) => {
        child.get('/socket', { websocket: true }, (socket) => socket.send('open'))
      })
      onClose(() => app.close())
      await app.listen({ port: 0, host: '127.0.0.1' })
      const socket = new WebSocket(`ws://127.0.0.1:${port(app)}/socket`)
      await once(socket, 'message')
      const closed = close(app)
      expect((await once(socket, 'close'))[0]).toBe(4000)
      await closed
    })

    it('runs the preClose hooks as the drain begins, those that Fastify alone runs, and as it does', async () => {
      const plain = hooked(create(), false)
      await plain.app.ready()
      await plain.app.close()
      const expected = plain.ran.slice(0, -1)
      expect(plain.ran.at(-1)).toBe('onClose')

      const { app, ran, until } = hooked(create(), true)
      const { entered, release } = hold(app)
      onClose(() => app.close())
      await app.listen({ port: 0, host: '127.0.0.1' })
      const inFlight = new Client(port(app)).get('/held')
      await entered
      const closed = close(app)
      expect(await until(expected.length)).toEqual(expected)
      release()
      expect(await inFlight).toMatchObject({ status: 200 })
      await closed
      await app.close()
      expect(ran).toEqual(plain.ran)
    })
  })

  it('ends event streams that a preClose hook ends, before the request in flight', async () => {
    const app = create()
    await app.register(socketPort, QUIET)
    const events = new PassThrough()
    app.get('/events', (_, reply) => reply.type('text/event-stream').send(events))
    app.addHook('preClose', async () => void events.end('data: bye\n\n'))
    const { entered, release } = hold(app)
    onClose(() => app.close())
    await app.listen({ port: 0, host: '127.0.0.1' })
    const response = await new Promise<IncomingMessage>((resolve) => {
      get({ port: port(app), path: '/events', agent: false }, resolve)
      events.write('data: hello\n\n')
    })
    const inFlight = new Client(port(app)).get('/held')
    await entered
    const closed = app.close()
    expect(await text(response)).toBe('data: hello\n\ndata: bye\n\n')
    release()
    expect((await inFlight).status).toBe(200)
    await closed
  })

  it('warns of a preClose hook that fails, and runs the others', async () => {
    const warn = vi.fn()
    const logger = { debug: () => {}, info: () => {}, warn, error: () => {} }
    const app = create()
    await app.register(socketPort, { ...QUIET, logger })
    const other = vi.fn(async () => {})
    app.addHook('preClose', async () => {
      throw new Error('no such queue')
    })
    app.addHook('preClose', other)
    await app.listen({ port: 0 })
    await app.close()
    expect(other).toHaveBeenCalledOnce()
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/began: Error: no such queue/)]])
  })

  it('leaves the preClose hooks of an application that never listened to Fastify', async () => {
    const app = create()
    const hook = vi.fn(async () => {})
    app.register(socketPort, QUIET)
    app.addHook('preClose', hook)
    await app.ready()
    await app.close()
    expect(hook).toHaveBeenCalledOnce()
  })
})
