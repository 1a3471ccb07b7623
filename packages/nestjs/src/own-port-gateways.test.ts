import 'reflect-metadata'
import { once } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type DynamicModule,
  type INestApplication,
  Module,
  type NestApplicationOptions,
  type WebSocketAdapter,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { IoAdapter } from '@nestjs/platform-socket.io'
import { WsAdapter } from '@nestjs/platform-ws'
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets'
import { type DrainOptions, shutdown } from '@socket-port/core'
import { freePort } from '@socket-port/testkit'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { io } from 'socket.io-client'
import { afterEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { AppController, Journal } from './testing/application.ts'
import { platforms } from './testing/platforms.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A server of `ws`, or of Socket.IO. */
type GatewayServer = { address?(): AddressInfo; httpServer?: HttpServer }

/** An application whose gateway listens on a port of its own. */
interface Fixture {
  app: INestApplication
  journal: Journal
  port: number
  /** The WebSockets of `ws`, as the server has them. */
  accepted: WebSocket[]
}

interface Own {
  adapter(): WebSocketAdapter
  port?: number
  path?: string
}

function gatewayModule({ port = 0, path }: Own) {
  const accepted: WebSocket[] = []
  const place: { server?: GatewayServer } = {}
  class EchoGateway {
    server: GatewayServer | undefined

    afterInit(): void {
      if (this.server !== undefined) place.server = this.server
    }

    handleConnection(client: WebSocket): void {
      accepted.push(client)
    }

    echo(_: unknown, data: string): { event: string; data: string } {
      return { event: 'echo', data }
    }
  }
  // Without decorators, which could not take a port that is found at run time.
  WebSocketServer()(EchoGateway.prototype, 'server')
  SubscribeMessage('echo')(
    EchoGateway.prototype,
    'echo',
    Object.getOwnPropertyDescriptor(EchoGateway.prototype, 'echo') as PropertyDescriptor,
  )
  WebSocketGateway(port, path === undefined ? {} : { path })(EchoGateway)
  class GatewayModule {}
  Module({ controllers: [AppController], providers: [Journal, EchoGateway] })(GatewayModule)
  return { GatewayModule: GatewayModule as unknown as DynamicModule, accepted, place }
}

async function start(
  own: Own,
  create: (typeof platforms)[number]['create'],
  options: NestApplicationOptions = {},
  drain: DrainOptions = {},
): Promise<Fixture> {
  const { GatewayModule, accepted, place } = gatewayModule(own)
  const app = await NestFactory.create(
    GatewayModule,
    create({ signals: false, exit: false, drain }),
    { logger: false, abortOnError: false, ...options },
  )
  cleanups.push(() => app.close())
  app.useWebSocketAdapter(own.adapter())
  await app.listen(0, '127.0.0.1')
  const journal = app.get(Journal)
  cleanups.push(() => journal.release())
  const { server } = place
  const address = own.port ?? (server?.httpServer?.address() as AddressInfo | undefined)?.port
  return { app, journal, accepted, port: address ?? server?.address?.().port ?? 0 }
}

/** Opens a client that is answered, and returns what it is told when the server closes it. */
type Open = (port: number, path?: string) => Promise<{ readonly closed: Promise<unknown> }>

const openSocket: Open = async (port, path = '/') => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
  cleanups.push(() => socket.terminate())
  await once(socket, 'open')
  socket.send(JSON.stringify({ event: 'echo', data: 'hello' }))
  await once(socket, 'message')
  return { closed: once(socket, 'close').then(([code]) => code) }
}

const openSocketIo =
  (transport: 'polling' | 'websocket'): Open =>
  async (port) => {
    const socket = io(`http://127.0.0.1:${port}`, { transports: [transport], reconnection: false })
    cleanups.push(() => socket.close())
    const event = (name: string): Promise<unknown> =>
      new Promise((resolve) => socket.once(name, resolve))
    await event('connect')
    const echoed = event('echo')
    socket.emit('echo', 'hello')
    expect(await echoed).toBe('hello')
    return { closed: event('disconnect') }
  }

const ofWs: Own = { adapter: () => new WsAdapter() }
const ofSocketIo: Own = { adapter: () => new IoAdapter() }

const kinds: [string, () => Own, Open, unknown][] = [
  ['WsAdapter', () => ofWs, openSocket, 1001],
  [
    'WsAdapter, with a path',
    () => ({ ...ofWs, port: freePort(), path: '/chat' }),
    (port) => openSocket(port, '/chat'),
    1001,
  ],
  ['IoAdapter, over WebSockets', () => ofSocketIo, openSocketIo('websocket'), 'transport close'],
  ['IoAdapter, which is polled', () => ofSocketIo, openSocketIo('polling'), 'transport close'],
]

const ways: [string, NestApplicationOptions, (app: INestApplication) => Promise<unknown>][] = [
  ['app.close()', {}, (app) => app.close()],
  [
    'app.close(), with forceCloseConnections',
    { forceCloseConnections: true },
    (app) => app.close(),
  ],
  ['the shutdown of the process', {}, () => shutdown()],
]

describe.each(platforms)('on $name', ({ create }) => {
  describe.each(kinds)('a gateway of the %s on a port of its own', (_, own, open, goodbye) => {
    it.each(ways)(
      'says goodbye at %s, before requests in flight are waited for',
      async (_name, options, close) => {
        const { app, journal, port } = await start(own(), create, options)
        expect(port).not.toBe(app.getHttpServer().address().port)
        const client = await open(port)
        const held = await RawConnection.open(app.getHttpServer().address().port)
        held.send(get('/hold'))
        await journal.entered

        const closed = close(app)
        expect(await client.closed).toBe(goodbye)
        expect(journal.entries).toEqual([])
        journal.release()
        expect(await held.receive(/held$/)).toMatch(/^HTTP\/1\.1 200 OK/)
        await closed
        expect(journal.entries[0]).toBe('answer')
      },
    )
  })

  it('a gateway on a port of its own has the options of the application, and waits for answers', async () => {
    const { app, port, accepted } = await start(ofWs, create, {}, { webSocketCode: 1012 })
    const client = await openSocket(port)
    const answered = once(accepted[0] as WebSocket, 'close')
    const closed = app.close()
    expect(await client.closed).toBe(1012)
    expect((await answered)[0]).toBe(1012)
    await closed
  })

  it('many clients of it are closed spread over a time: at most a tenth of them in one batch', async () => {
    const { app, port, accepted } = await start(ofWs, create)
    const clients = await Promise.all(Array.from({ length: 30 }, () => openSocket(port)))
    let batch = 0
    let most = 0
    const count = (): void => {
      if (batch === 0) {
        queueMicrotask(() => {
          batch = 0
        })
      }
      batch += 1
      most = Math.max(most, batch)
    }
    for (const socket of accepted) {
      const { close } = socket
      socket.close = (code) => {
        // `ws` calls it again when the client has answered.
        if (socket.readyState === WebSocket.OPEN) count()
        close.call(socket, code)
      }
    }
    const closed = app.close()
    const codes = await Promise.all(clients.map((client) => client.closed))
    expect(new Set(codes)).toEqual(new Set([1001]))
    await closed
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(3)
  })
})
