import { closeSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { AnyServer } from '../base/types.ts'

// Node keeps these under symbols (lib/_http_server.js, 20 to 26). No public API tells a connection that has
// sent half a header from an idle one. If a future Node lacks them, such a connection counts as idle.
interface ParserList {
  all(): { socket?: Socket }[]
  active(): { socket?: Socket }[]
}

function internal(server: AnyServer, description: string): unknown {
  const symbol = Object.getOwnPropertySymbols(server).find((own) => own.description === description)
  return symbol && Reflect.get(server, symbol)
}

const parsers = (server: AnyServer): ParserList | undefined =>
  internal(server, 'http.server.connections') as ParserList | undefined

/** The open HTTP/1.1 connections, without TLS handshakes and upgraded connections. */
export function speaking(server: AnyServer): Socket[] | undefined {
  return parsers(server)
    ?.all?.()
    .flatMap(({ socket }) => socket ?? [])
}

/** The connections whose parser is in the middle of a request, header or body. */
export function receiving(server: AnyServer): Set<Socket> {
  const active = parsers(server)?.active?.() ?? []
  const sockets = active.flatMap(({ socket }) => socket ?? [])
  // Node's list also has connections that have sent nothing yet, for its header time-out.
  return new Set(sockets.filter((socket) => socket.bytesRead > 0))
}

/** The request whose body is not complete; `undefined` where there is none, or only half a header. */
export function unreadRequest(socket: Socket): IncomingMessage | undefined {
  const { parser } = socket as { parser?: { incoming?: IncomingMessage | null } }
  const request = parser?.incoming
  return request && !request.complete ? request : undefined
}

/**
 * Whether bytes of a next request were received together with this one. A client that pipelines sends them,
 * and the handler may answer the first request before the second was parsed.
 */
export function isFollowed({ method, url, headers, socket }: IncomingMessage): boolean {
  const { parser } = socket as { parser?: { getCurrentBuffer?(): Buffer | undefined } }
  const bytes = parser?.getCurrentBuffer?.()
  // The end of a chunked body cannot be found here.
  if (bytes === undefined || 'transfer-encoding' in headers) return false
  // Not found when the request began in an earlier segment: then the first head that ends is its own.
  const start = Math.max(0, bytes.indexOf(`${method} ${url} HTTP/`))
  const head = bytes.indexOf('\r\n\r\n', start)
  return head >= 0 && bytes.length > head + 4 + Number(headers['content-length'] ?? 0)
}

/**
 * Returns Node's own check of an HTTP/1.1 server, which answers 408 to each connection that has
 * exceeded `headersTimeout` or `requestTimeout`, and closes it; `undefined` where there is none.
 */
export function timeoutCheck(server: AnyServer): (() => void) | undefined {
  const interval = internal(server, 'http.server.connectionsCheckingInterval')
  const { _onTimeout: check } = (interval ?? {}) as { _onTimeout?: unknown }
  return typeof check === 'function' ? () => Reflect.apply(check, interval, []) : undefined
}

/** Clears the interval of an HTTP server that its own `close()` would have cleared. */
export function stopConnectionChecks(server: AnyServer): void {
  clearInterval(
    internal(server, 'http.server.connectionsCheckingInterval') as NodeJS.Timeout | undefined,
  )
}

/** Node's handle of a connection: its descriptor, and how to stop and start reading. */
export interface OpenHandle {
  readonly fd: number
  readStop(): void
  readStart(): void
}

interface TcpHandle extends OpenHandle {
  writeQueueSize?: number
  // TCP handles have it, pipes do not.
  getpeername?(address: object): number
}

function tcpHandle(socket: Socket): TcpHandle | undefined {
  const { _handle: handle } = socket as { _handle?: TcpHandle | null }
  const plain = handle?.getpeername !== undefined && !('encrypted' in socket)
  return plain && handle.fd >= 0 && socket.writable ? handle : undefined
}

/** True for an open TCP connection without TLS. */
export const isPlainTcp = (socket: Socket): boolean => tcpHandle(socket) !== undefined

/** The handle of an open TCP connection without TLS, if this process holds no unsent or unread bytes of it. */
export function quietHandle(socket: Socket): OpenHandle | undefined {
  const handle = tcpHandle(socket)
  const { readableLength, writableLength } = socket
  const held = readableLength + writableLength + (handle?.writeQueueSize ?? 0)
  return held === 0 ? handle : undefined
}

interface ListenHandle {
  /** Absent in a cluster worker whose primary has the socket. */
  fd?: number
  onconnection?(error: number, handle: unknown): void
}

/** What Node has below a server that listens. */
export const listeningHandle = (server: AnyServer): ListenHandle | undefined =>
  (server as { _handle?: ListenHandle | null })._handle ?? undefined

/**
 * Lets a listening server take an open connection as if it had accepted it. The server then owns the
 * descriptor. Returns `undefined` if the server refused it (`maxConnections`, `blockList`).
 */
export function takeConnection(server: AnyServer, fd: number): Socket | undefined {
  const handle = connectionHandle(fd)
  if (handle === undefined) return undefined
  let taken: Socket | undefined
  const onConnection = (socket: Socket): void => {
    taken = socket
  }
  server.prependOnceListener('connection', onConnection)
  const listener = listeningHandle(server)
  try {
    // Node then applies the options of the server, as to a connection that it accepted.
    if (listener?.onconnection) Reflect.apply(listener.onconnection, listener, [0, handle])
    else server.emit('connection', new Socket({ handle } as object))
  } catch (error) {
    // A listener of the program threw. Throw it later, uncaught as ever, so that no other connection is lost.
    process.nextTick(() => {
      throw error
    })
  } finally {
    server.off('connection', onConnection)
  }
  return taken
}

interface NewHandle {
  open(fd: number): number
  getsockname(address: object): number
  close(): void
}

let NewTcp: (new (type: number) => NewHandle) | undefined

// TCPConstants.SOCKET of Node's tcp_wrap: a connection, not a server.
const SOCKET = 0

function connectionHandle(fd: number): unknown {
  if (NewTcp === undefined) return firstHandle(fd)
  const handle = new NewTcp(SOCKET)
  const opened = handle.open(fd) === 0
  if (opened && handle.getsockname({}) === 0) return handle
  // Not a connection. An open handle closes the descriptor itself.
  handle.close()
  if (!opened) closeSync(fd)
  return undefined
}

// Making a Socket for its handle costs a quarter of a whole connection. So make one, and reuse its class of handles.
function firstHandle(fd: number): unknown {
  try {
    const holder = new Socket({ fd, readable: false, writable: false }) as {
      _handle?: TcpHandle | null
    }
    const handle = holder._handle
    // Never destroy the holder: that would close the connection.
    holder._handle = null
    if (handle?.getpeername) NewTcp = handle.constructor as typeof NewTcp
    return handle
  } catch {
    closeSync(fd) // no connection
    return undefined
  }
}

/**
 * Exempts a received connection from `headersTimeout`. To Node it has just been opened, so Node would answer
 * 408 to a client that was promised more time.
 */
export function excuseSilence(server: AnyServer, socket: Socket): void {
  const put = (property: PropertyDescriptor): unknown =>
    Object.defineProperty(socket, 'server', { ...property, configurable: true, enumerable: true })
  // From the first byte on the property is the server itself again: a program may keep data on it.
  const restore = (): void => void put({ value: server, writable: true })
  // Node reads the server of a socket only to report errors to it (_http_server.js, socketOnError).
  const excusing = Object.create(server, {
    emit: {
      value(event: string, ...values: [{ code?: string }?, ...unknown[]]): boolean {
        const timedOut = values[0]?.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        if (event === 'clientError' && timedOut && socket.bytesRead === 0) return true
        restore()
        return Reflect.apply(server.emit, server, [event, ...values])
      },
    },
  })
  put({
    get() {
      if (socket.bytesRead === 0) return excusing
      restore()
      return server
    },
    set: (value: unknown) => void put({ value, writable: true }),
  })
}
