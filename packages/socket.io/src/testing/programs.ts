import { createServer, type Server as HttpServer } from 'node:http'
import { type Service, serve } from '@socket-port/core'
import type { Server, ServerOptions, Socket } from 'socket.io'
import {
  type Socket as Client,
  io,
  type ManagerOptions,
  type SocketOptions,
} from 'socket.io-client'
import { afterEach } from 'vitest'
import { handOverSocketIo } from '../index.ts'
import { Relay } from './relay.ts'

/** The released minors of socket.io 4 from 4.5 on, each in its newest version. */
export const VERSIONS = ['4.5', '4.6', '4.7', '4.8'] as const

export type Version = (typeof VERSIONS)[number]

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})
export const afterTest = (cleanup: () => unknown): void => void cleanups.push(cleanup)

export const versionOf = async (version: Version): Promise<typeof Server> =>
  (
    (await import(version === '4.8' ? 'socket.io' : `socket.io${version}`)) as {
      Server: typeof Server
    }
  ).Server

export interface Program {
  readonly io: Server
  readonly http: HttpServer
  readonly service: Service
  /** The events of its clients: `/ connection`, `/admin disconnect transport close`, `/ handover`. */
  readonly log: string[]
  /** Resolves when the log has this line. */
  logged(line: string): Promise<void>
}

interface ProgramOptions {
  version?: Version
  options?: Partial<ServerOptions>
  /** Called before it listens. */
  prepare?: (io: Server, http: HttpServer) => void
  /** Whether it calls `handOverSocketIo`. @default true */
  handsOver?: boolean
  /** Whether it is given its HTTP server after that. @default false */
  attachesLater?: boolean
}

/**
 * A server of Socket.IO with the namespaces `/` and `/admin`. A new client joins the room of its `auth.room`. The server
 * answers `count` with the number of such events of the client, its id and its rooms.
 */
export async function program({
  version = '4.8',
  options = {},
  prepare = () => {},
  handsOver = true,
  attachesLater = false,
}: ProgramOptions = {}): Promise<Program> {
  const http = createServer()
  const Io = await versionOf(version)
  const io = attachesLater ? new Io(options) : new Io(http, options)
  const log: string[] = []
  const waiting: (() => void)[] = []
  const note = (line: string): void => {
    log.push(line)
    for (const look of waiting) look()
  }
  if (handsOver) handOverSocketIo(io)
  if (attachesLater) io.attach(http)
  prepare(io, http)
  const connected = (socket: Socket): void => {
    const { name } = socket.nsp
    note(`${name} connection${socket.recovered ? ', recovered' : ''}`)
    if (!socket.recovered) {
      socket.data.count = 0
      void socket.join(`room ${socket.handshake.auth.room}`)
    }
    socket.on('disconnect', (reason) => note(`${name} disconnect ${reason}`))
    socket.on('handover' as never, () =>
      note(`${name} handover of ${[...socket.rooms].length} rooms`),
    )
    socket.on('count', (answer: (count: unknown) => void) => {
      socket.data.count += 1
      answer({ count: socket.data.count, id: socket.id, rooms: [...socket.rooms].slice(1) })
    })
  }
  io.on('connection', connected)
  io.of('/admin').on('connection', connected)
  const service = await serve(http, { port: 0, host: '127.0.0.1', signals: false })
  cleanups.push(() => io.close())
  return {
    io,
    http,
    service,
    log,
    logged: (line) =>
      new Promise((resolve) => {
        const look = (): void => void (log.includes(line) && resolve())
        waiting.push(look)
        look()
      }),
  }
}

/** A client that records events that it must not see. */
export interface Counting {
  readonly socket: Client
  /** `disconnect transport close`, `connect_error ...`, and each `connect` after the first. */
  readonly seen: string[]
  count(): Promise<unknown>
  /** The next event of this name. */
  next(event: string): Promise<unknown>
}

/** Connects a client. Resolves when it is connected. */
export async function client(
  port: number,
  namespace = '',
  options: Partial<ManagerOptions & SocketOptions> = {},
): Promise<Counting> {
  const socket = io(`http://127.0.0.1:${port}${namespace}`, {
    reconnectionDelay: 1,
    reconnectionDelayMax: 10,
    transports: ['websocket'],
    auth: { room: 'a' },
    ...options,
  })
  cleanups.push(() => socket.close())
  const next = (event: string): Promise<unknown> =>
    new Promise((resolve) => socket.once(event, resolve))
  await next('connect')
  const seen: string[] = []
  socket.on('connect', () => seen.push('connect'))
  socket.on('disconnect', (reason) => seen.push(`disconnect ${reason}`))
  socket.on('connect_error', ({ message }) => seen.push(`connect_error ${message}`))
  return { socket, seen, next, count: () => socket.emitWithAck('count') }
}

export async function relayTo(first: Program): Promise<{ relay: Relay; port: number }> {
  const relay = new Relay()
  cleanups.push(() => relay.close())
  relay.use(first.http)
  return { relay, port: await relay.listen() }
}
