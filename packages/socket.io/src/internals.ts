import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AnyServer } from '@socket-port/core/adapter'
import { differenceFrom, type Shape } from '@socket-port/ws/protocol'
import type { WebSocket } from 'ws'

// Every use of internals of socket.io and engine.io is in this file: of lib/index.ts, namespace.ts, client.ts and socket.ts of
// socket.io 4.5 to 4.8, and of lib/server.ts, socket.ts and transport.ts of engine.io 6.2 to 6.6. `contract.test.ts` checks
// them with the released versions.

/** What engine.io sends: `open`, `ping`, or `message` with a packet of Socket.IO. */
export interface EnginePacket {
  readonly type: string
  readonly data?: unknown
}

export interface Transport extends EventEmitter {
  readonly name: string
  /** Whether it takes packets now. */
  readonly writable: boolean
  /** Of the transport `websocket`. */
  readonly socket?: WebSocket
  send(packets: EnginePacket[]): void
}

/** A connection of engine.io. */
export interface Connection extends EventEmitter {
  readonly id: string
  /** 4, or 3 for clients of Socket.IO 2. */
  readonly protocol: number
  readyState: string
  readonly upgrading: boolean
  readonly transport: Transport
  /** The request that has opened it, which is that of its first transport. */
  readonly request: IncomingMessage
  /** Packets that the transport has not taken yet. */
  readonly writeBuffer: readonly unknown[]
  readonly pingIntervalTimer: NodeJS.Timeout | null | undefined
  readonly pingTimeoutTimer: NodeJS.Timeout | null | undefined
  sendPacket(type: string): void
  close(discard: boolean): void
}

export type EngineRequest = IncomingMessage & { _query?: Record<string, string> }

export interface Engine extends EventEmitter {
  readonly clients: Record<string, Connection>
  clientsCount: number
  readonly opts: { pingInterval: number; pingTimeout: number; initialPacket?: unknown }
  generateId(request: IncomingMessage): unknown
  createTransport(name: string, request: IncomingMessage): Transport
  handleUpgrade(request: EngineRequest, ...rest: unknown[]): void
  /** Called when the handshake of a WebSocket is complete. It listens to its messages some microtasks later. */
  onWebSocket(request: EngineRequest, socket: unknown, ws: WebSocket): void
}

/** What socket.io has for each connection. */
export interface Client {
  readonly conn: Connection
  /** Its connected sockets, by their ids. */
  readonly sockets: Map<string, Socket>
  /** The same sockets, by their namespaces. */
  readonly nsps: Map<string, Socket>
  /** `reconstructor` is set while a packet waits for its binary data. */
  readonly decoder: { reconstructor?: unknown }
  destroy(): void
}

interface Handshake {
  auth: Record<string, unknown>
  time: string
  issued: number
}

/** A client in a namespace. Its `emit` sends. */
export interface Socket extends EventEmitter {
  id: string
  /** Of connection state recovery. */
  pid: string | undefined
  data: unknown
  recovered: boolean
  connected: boolean
  readonly client: Client
  readonly nsp: Namespace
  readonly handshake: Handshake
  readonly rooms: ReadonlySet<string>
  /** The functions that wait for an acknowledgement of the client. */
  readonly acks: ReadonlyMap<number, object>
  /** The middlewares for events. */
  readonly fns: readonly unknown[]
  join(rooms: string[]): unknown
  packet(packet: { type: number; data?: unknown }, options?: unknown): void
  ack(id: number): (...args: unknown[]) => void
  /** Adds to `acks` the function that waits for the answer to an event for this client alone. */
  registerAckCallback(id: number, answered: unknown): void
  run(event: unknown[], done: (error?: unknown) => void): void
  _error(): void
  _cleanup(): void
}

export type Connected = (socket?: Socket) => void

/** The adapter of a namespace broadcasts, to the clients of this process or of several servers. */
export interface Adapter {
  broadcast(packet: unknown, options: unknown): unknown
}

/** A `ClusterAdapter` of socket.io-adapter 2.5.3 or later that knows what a client has missed. */
export interface SessionAdapter extends Adapter {
  addOffsetIfNecessary(
    packet: { readonly data: unknown[] },
    options: { readonly rooms?: Iterable<string>; readonly except?: Iterable<string> },
    offset: string,
  ): void
  persistSession(session: { sid: string; pid: string; rooms: string[]; data: unknown }): unknown
  restoreSession(
    pid: string,
    offset: string,
  ): Promise<{ missedPackets: unknown[][] } | null | undefined>
}

export interface Namespace extends EventEmitter {
  readonly name: string
  readonly adapter: Adapter
  /** Its connected sockets, by their ids. */
  readonly sockets: ReadonlyMap<string, Socket>
  /** The id of the next acknowledgement that the server awaits. */
  _ids: number
  /** From 4.6 on. */
  readonly _preConnectSockets?: Map<string, Socket>
  _add(client: Client, auth: unknown, connected?: Connected): unknown
  run(socket: Socket, done: (error?: Error | null) => void): void
  _remove(socket: Socket): void
}

export interface Io {
  readonly engine: Engine | undefined
  readonly httpServer: AnyServer | undefined
  readonly opts: { connectionStateRecovery?: { skipMiddlewares?: boolean } }
  readonly encoder: { encode(packet: unknown): unknown[] }
  readonly sockets: Namespace
  readonly _nsps: ReadonlyMap<string, Namespace>
  readonly _connectTimeout: number
  path(): string
  /** Sets what makes the adapters of all namespaces; returns it if nothing is passed. */
  adapter(...adapter: unknown[]): unknown
  bind(engine: Engine): unknown
  _checkNamespace(name: string, auth: unknown, found: (namespace: unknown) => void): void
}

/** The type of the packet with which a client joins a namespace (socket.io-protocol 5). */
export const CONNECT = 0

/** The type of the packet with an event. */
export const EVENT = 2

const IO: Shape = {
  opts: 'object',
  encoder: 'object',
  sockets: 'object',
  _nsps: 'map',
  _connectTimeout: 'number',
  path: 'function',
  adapter: 'function',
  bind: 'function',
  _checkNamespace: 'function',
}
const NAMESPACE: Shape = {
  name: 'any',
  adapter: 'object',
  sockets: 'map',
  _ids: 'number',
  _add: 'function',
  run: 'function',
  _remove: 'function',
}
const ENGINE: Shape = {
  clients: 'object',
  clientsCount: 'number',
  opts: 'object',
  generateId: 'function',
  createTransport: 'function',
  handleUpgrade: 'function',
  onWebSocket: 'function',
}
const CONNECTION: Shape = {
  id: 'any',
  protocol: 'number',
  upgrading: 'any',
  transport: 'object',
  request: 'object',
  writeBuffer: 'object',
  pingIntervalTimer: 'any',
  pingTimeoutTimer: 'any',
  sendPacket: 'function',
}
const TRANSPORT: Shape = { writable: 'any', socket: 'object', send: 'function' }
const CLIENT: Shape = { sockets: 'map', nsps: 'map', decoder: 'object', destroy: 'function' }
const SOCKET: Shape = {
  handshake: 'object',
  acks: 'map',
  fns: 'object',
  join: 'function',
  packet: 'function',
  ack: 'function',
  registerAckCallback: 'function',
  run: 'function',
  _error: 'function',
  _cleanup: 'function',
}
/** The first property of a server that is not as this file expects it, such as `engine.createTransport`; `undefined` for none. */
export const serverDifference = (io: Io, engine: Engine): string | undefined =>
  differenceFrom(IO, io, 'io.') ??
  differenceFrom(NAMESPACE, io.sockets, 'namespace.') ??
  differenceFrom(ENGINE, engine, 'engine.')

/** The first such property of a connection. */
export function connectionDifference(
  connection: Connection,
  client: Client | undefined,
): string | undefined {
  const inConnection =
    differenceFrom(CONNECTION, connection, 'engine.socket.') ??
    differenceFrom(TRANSPORT, connection.transport, 'engine.transport.')
  if (inConnection !== undefined || client === undefined) return inConnection
  const inClient = differenceFrom(CLIENT, client, 'client.')
  if (inClient !== undefined) return inClient
  const [socket] = client.sockets.values()
  return socket && differenceFrom(SOCKET, socket, 'socket.')
}

/**
 * Gives a socket that has not run its middlewares yet the id that the client knows. From 4.6 on, the namespace lists such
 * sockets by their ids.
 */
export function rename(socket: Socket, id: string): void {
  const { _preConnectSockets: connecting } = socket.nsp
  const wasListed = connecting?.delete(socket.id)
  socket.id = id
  if (wasListed) connecting?.set(id, socket)
}

/**
 * Removes a connection that the next process continues, as if it had closed, but without an event: neither 'close' of
 * engine.io nor 'disconnect' of Socket.IO. Each of its sockets emits 'handover', and sends nothing more.
 */
export function forget(engine: Engine, connection: Connection, client: Client | undefined): void {
  connection.readyState = 'closed'
  clearTimeout(connection.pingIntervalTimer ?? undefined)
  clearTimeout(connection.pingTimeoutTimer ?? undefined)
  if (engine.clients[connection.id] === connection) {
    delete engine.clients[connection.id]
    engine.clientsCount -= 1
  }
  if (client === undefined) return
  client.destroy()
  for (const socket of client.sockets.values()) {
    socket.connected = false
    const { emit } = socket
    // It sends nothing from now on, and returns false. The callback of a time-out is still called.
    socket.emit = (...event) => {
      Reflect.apply(emit, socket, event)
      return false
    }
    try {
      // Its own `emit` sends.
      EventEmitter.prototype.emit.call(socket, 'handover')
    } catch (error) {
      // A listener of the program threw. Throw the error later, uncaught as always, so that the other sockets are removed too.
      process.nextTick(() => {
        throw error
      })
    }
    socket._cleanup()
    // Before 4.7, `_cleanup` leaves it there.
    if (socket.nsp.sockets.has(socket.id)) socket.nsp._remove(socket)
  }
  client.sockets.clear()
  client.nsps.clear()
}
