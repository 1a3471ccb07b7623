import type { IncomingMessage } from 'node:http'
import { SocketPortError } from '@socket-port/core/adapter'
import { continueWebSockets, type WebSocketProtocol } from '@socket-port/ws/protocol'
import { carriedBy, withoutId } from './carried.ts'
import { Continued, muteOpen } from './continued.ts'
import { EarlyMessages } from './early-messages.ts'
import { type Connection, type Engine, type Io, serverDifference } from './internals.ts'
import { followNamespaces } from './namespaces.ts'
import { Passing } from './passing.ts'
import { Connections, Tracked } from './tracked.ts'

/** A `Server` of socket.io, whatever the types of its events are. */
export interface SocketIoServer {
  readonly sockets: object
  bind(engine: never): unknown
}

const handled = new WeakSet<SocketIoServer>()

/**
 * Lets the next process continue the connections of a Socket.IO server, so that their clients see no disconnect. Call it
 * before clients connect, with the `Server` of socket.io 4; it makes no difference whether it has an HTTP server already.
 *
 * A client keeps its state: the ids, the namespaces, and in each of them its rooms, `data` and `handshake.auth`. The next
 * program sees a 'connection' with `socket.recovered` set, and its middlewares run before, as for any client. If one of
 * them refuses, the connection closes, and the client connects again. In this process each socket emits `'handover'`
 * rather than 'disconnect'.
 *
 * Clients that poll, and clients of Socket.IO 2, end as if this function had not been called.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION if `io` is not a server of socket.io
 */
export function handOverSocketIo(io: SocketIoServer): void {
  if (typeof (io as SocketIoServer | undefined)?.bind !== 'function') {
    throw new SocketPortError(
      'ERR_SOCKET_PORT_INVALID_OPTION',
      `handOverSocketIo needs a Server of socket.io (got ${describe(io)}): ` +
        'pass what new Server(httpServer) returns; for a namespace, pass namespace.server',
    )
  }
  if (handled.has(io)) return
  handled.add(io)
  const server = io as unknown as Io
  const connections = new Connections()
  let isFollowed = false
  const handOver = (engine: Engine): void => {
    if (server.httpServer === undefined) return
    const difference = serverDifference(server, engine)
    if (difference !== undefined) {
      leave(server, difference)
      return
    }
    if (!isFollowed) followNamespaces(server, connections)
    isFollowed = true
    continueEngine(server, engine, connections)
  }
  if (server.engine !== undefined) handOver(server.engine)
  const { bind } = server
  server.bind = (engine) => {
    bind.call(server, engine)
    handOver(engine)
    return server
  }
}

const describe = (value: unknown): string =>
  (value as object | undefined)?.constructor?.name ?? String(value)

/** Makes the drain name the reason why connections stay. */
function leave(io: Io, difference: string): void {
  const reason = `this version of socket.io is not known (${difference})`
  continueWebSockets(io.httpServer as never, (request) =>
    isFor(io, request) ? { capture: () => reason } : undefined,
  )
}

function continueEngine(io: Io, engine: Engine, connections: Connections): void {
  const open = (request: IncomingMessage): WebSocketProtocol | undefined =>
    isFor(io, request) ? new Passing(request, engine, connections) : undefined
  continueWebSockets(io.httpServer as never, open)

  const { handleUpgrade, onWebSocket, createTransport } = engine
  const early = new EarlyMessages()
  engine.handleUpgrade = (request, ...rest) => {
    if (carriedBy(request) !== undefined) {
      request.url = withoutId(request.url ?? '')
      delete request._query?.sid
    }
    return handleUpgrade.call(engine, request, ...rest)
  }
  engine.onWebSocket = (request, socket, ws) => {
    if (carriedBy(request) !== undefined) early.hold(ws)
    onWebSocket.call(engine, request, socket, ws)
  }
  engine.createTransport = (name, request) => {
    const transport = createTransport.call(engine, name, request)
    if (carriedBy(request) !== undefined) muteOpen(transport, engine)
    return transport
  }
  keepIds(engine)
  engine.on('connection', (connection: Connection) => {
    const carried = carriedBy(connection.request)
    const { pingInterval: interval, pingTimeout: timeout } = engine.opts
    const continued = carried && new Continued(io, carried)
    const ping = carried?.ping ?? { interval, timeout }
    connections.add(new Tracked(connection, ping, continued))
    continued?.begin(connection, engine)
    early.release(connection.transport)
  })
}

function isFor(io: Io, { url = '' }: IncomingMessage): boolean {
  const path = io.path()
  return url.startsWith(path) && /^\/?(\?|$)/.test(url.slice(path.length))
}

/** Gives a connection of the previous process its old id. A program may set `generateId` of the engine before or after. */
function keepIds(engine: Engine): void {
  let { generateId } = engine
  Object.defineProperty(engine, 'generateId', {
    configurable: true,
    enumerable: true,
    get: () => (request: IncomingMessage) =>
      carriedBy(request)?.id ?? generateId.call(engine, request),
    set: (own: Engine['generateId']) => {
      generateId = own
    },
  })
}
