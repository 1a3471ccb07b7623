import 'reflect-metadata'
import { once } from 'node:events'
import {
  type INestApplication,
  Module,
  type NestApplicationOptions,
  type WebSocketAdapter,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { IoAdapter } from '@nestjs/platform-socket.io'
import { WsAdapter } from '@nestjs/platform-ws'
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets'
import { shutdown } from '@socket-port/core'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { io, type Socket } from 'socket.io-client'
import { afterEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { AppController, Journal } from './testing/application.ts'
import { platforms } from './testing/platforms.ts'

@WebSocketGateway()
class EchoGateway {
  @SubscribeMessage('echo')
  echo(_client: unknown, data: string): { event: string; data: string } {
    return { event: 'echo', data }
  }
}

@Module({ controllers: [AppController], providers: [Journal, EchoGateway] })
class GatewayModule {}

const BACK = 'it is back'

/** A client that has been answered by the gateway. */
interface Client {
  /** What it was told when the server closed it. */
  readonly closed: Promise<unknown>
  /** Whether it comes back: {@link BACK}, or how it is refused. */
  back(): Promise<string>
}

interface Kind {
  readonly name: string
  adapter(app: INestApplication): WebSocketAdapter
  open(port: number): Promise<Client>
  /** What `closed` settles with. */
  readonly goodbye: unknown
  /** When the port no longer listens. */
  readonly refusal: RegExp
}

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function openSocket(port: number): Promise<Client> {
  const url = `ws://127.0.0.1:${port}`
  const socket = new WebSocket(url)
  await once(socket, 'open')
  socket.send(JSON.stringify({ event: 'echo', data: 'hello' }))
  await once(socket, 'message')
  return {
    closed: once(socket, 'close').then(([code]) => code),
    back: () =>
      new Promise((resolve) => {
        const again = new WebSocket(url)
        again.once('open', () => resolve(BACK)).once('error', ({ message }) => resolve(message))
      }),
  }
}

async function openSocketIo(port: number, transport: 'polling' | 'websocket'): Promise<Client> {
  const options = { transports: [transport], reconnectionDelay: 1, reconnectionDelayMax: 1 }
  const socket = io(`http://127.0.0.1:${port}`, options)
  cleanups.push(() => socket.close())
  const event = (name: string): Promise<unknown> =>
    new Promise((resolve) => socket.once(name, resolve))
  await event('connect')
  const echoed = event('echo')
  socket.emit('echo', 'hello')
  expect(await echoed).toBe('hello')
  const closed = event('disconnect')
  return { closed, back: () => comesBack(socket) }
}

// By itself: a client reconnects unless the server has sent it away for good.
const comesBack = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.io.once('reconnect', () => resolve(BACK))
    socket.io.once('reconnect_error', (error) => resolve(error.message))
  })

const kinds: Kind[] = [
  {
    name: 'WsAdapter',
    adapter: (app) => new WsAdapter(app),
    open: openSocket,
    goodbye: 1001,
    refusal: /ECONNREFUSED/,
  },
  {
    name: 'IoAdapter, over WebSockets',
    adapter: (app) => new IoAdapter(app),
    open: (port) => openSocketIo(port, 'websocket'),
    goodbye: 'transport close',
    refusal: /websocket error/,
  },
  {
    name: 'IoAdapter, which is polled',
    adapter: (app) => new IoAdapter(app),
    open: (port) => openSocketIo(port, 'polling'),
    goodbye: 'transport close',
    refusal: /xhr poll error/,
  },
]

const ways: [string, NestApplicationOptions, (app: INestApplication) => Promise<unknown>][] = [
  ['app.close()', {}, (app) => app.close()],
  [
    'app.close(), with forceCloseConnections',
    { forceCloseConnections: true },
    (app) => app.close(),
  ],
  ['the shutdown of the process', {}, () => shutdown()],
  [
    'the shutdown of the process and app.close()',
    {},
    (app) => Promise.all([shutdown(), app.close()]),
  ],
]

describe.each(platforms)('on $name', ({ create }) => {
  describe.each(kinds)('with $name', ({ adapter, open, goodbye, refusal }) => {
    it.each(ways)(
      '%s closes gateways first, and answers every request',
      async (_, options, close) => {
        const app = await NestFactory.create(
          GatewayModule,
          create({ signals: false, exit: false }),
          {
            logger: false,
            abortOnError: false,
            ...options,
          },
        )
        cleanups.push(() => app.close())
        app.useWebSocketAdapter(adapter(app))
        await app.listen(0, '127.0.0.1')
        const { port } = app.getHttpServer().address()
        const journal = app.get(Journal)
        cleanups.push(() => journal.release())
        const client = await open(port)
        const idle = await RawConnection.open(port)
        idle.send(get('/'))
        await idle.receive(/hello$/)
        const held = await RawConnection.open(port)
        held.send(get('/hold'))
        await journal.entered

        const closed = close(app)
        expect(await client.closed).toBe(goodbye)
        if (options.forceCloseConnections) {
          // The quick form stops accepting and closes idle connections at once.
          expect(await client.back()).toMatch(refusal)
          await idle.closed
        } else {
          // New clients are served for as long as requests are.
          expect(await client.back()).toBe(BACK)
          idle.send(get('/'))
          expect(await idle.receive(/hello$/)).toMatch(
            /^HTTP\/1\.1 200 OK[\s\S]*\nconnection: close/i,
          )
        }
        journal.release()
        expect(await held.receive(/held$/)).toMatch(/^HTTP\/1\.1 200 OK/)
        await closed
        expect(journal.entries[0]).toBe('answer')
      },
    )
  })

  it('an application closes that never listened', async () => {
    const app = await NestFactory.create(GatewayModule, create(), { logger: false })
    app.useWebSocketAdapter(new WsAdapter(app))
    await app.init()
    await app.close()
    expect(app.getHttpServer().listening).toBe(false)
  })
})
