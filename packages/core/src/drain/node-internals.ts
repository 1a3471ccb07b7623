import { closeSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { AnyServer } from '../types.ts'

// Node keeps these under symbols (lib/_http_server.js, 20 to 26). Nothing public tells a connection
// that has sent half a header from an idle one. Where they are missing, it counts as idle.
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

/** The open connections that speak HTTP/1.1, TLS handshakes and upgraded ones not included. */
export function speaking(server: AnyServer): Socket[] | undefined {
  return parsers(server)
    ?.all?.()
    .flatMap(({ socket }) => socket ?? [])
}

/** The connections whose parser is in the middle of a request, header or body. */
export function receiving(server: AnyServer): Set<Socket> {
  const active = parsers(server)?.active?.() ?? []
  const sockets = active.flatMap(({ socket }) => socket ?? [])
  // The list also counts those that have not sent anything yet, for Node's time-out of headers.
  return new Set(sockets.filter((socket) => socket.bytesRead > 0))
}

/** The request of which body is yet to come; `undefined` where none is, or only half a header. */
export function unreadRequest(socket: Socket): IncomingMessage | undefined {
  const { parser } = socket as { parser?: { incoming?: IncomingMessage | null } }
  const request = parser?.incoming
  return request && !request.complete ? request : undefined
}

/**
 * True where bytes that were received together with this request belong to a next one: a client
 * that pipelines, whose handler may answer the first before the second has been parsed.
 */
export function isFollowed({ method, url, headers, socket }: IncomingMessage): boolean {
  const { parser } = socket as { parser?: { getCurrentBuffer?(): Buffer | undefined } }
  const bytes = parser?.getCurrentBuffer?.()
  // The end of a chunked body is not known here.
  if (bytes === undefined || 'transfer-encoding' in headers) return false
  // Absent where the request began in an earlier segment: then the first head that ends is its own.
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

/** Ends the interval of an HTTP server that its own `close()` would have ended. */
export function stopConnectionChecks(server: AnyServer): void {
  clearInterval(
    internal(server, 'http.server.connectionsCheckingInterval') as NodeJS.Timeout | undefined,
  )
}

/** What Node has below a connection: its descriptor, and the switch of its reading. */
export interface OpenHandle {
  readonly fd: number
  readStop(): void
  readStart(): void
}

interface TcpHandle extends OpenHandle {
  writeQueueSize?: number
  // Of TCP alone: a pipe has none.
  getpeername?(address: object): number
}

function tcpHandle(socket: Socket): TcpHandle | undefined {
  const { _handle: handle } = socket as { _handle?: TcpHandle | null }
  const plain = handle?.getpeername !== undefined && !('encrypted' in socket)
  return plain && handle.fd >= 0 && socket.writable ? handle : undefined
}

/** True for an open TCP connection without TLS. */
export const isPlainTcp = (socket: Socket): boolean => tcpHandle(socket) !== undefined

/** Of an open TCP connection without TLS that has nothing left to send or to read in this process. */
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
 * Lets a listening server take an open connection as if it had accepted it; the descriptor is the
 * server's from then on. `undefined` where the server refused it (`maxConnections`, `blockList`).
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
    // As for a connection that it accepts, Node then sets what the server's options say.
    if (listener?.onconnection) Reflect.apply(listener.onconnection, listener, [0, handle])
    else server.emit('connection', new Socket({ handle } as object))
  } catch (error) {
    // Of somebody's listener: uncaught, as ever, but the next connection is not to be lost by it.
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
  // No connection. Once it is open, the handle closes the descriptor.
  handle.close()
  if (!opened) closeSync(fd)
  return undefined
}

// A socket that only lends its handle is a quarter of what a connection costs: one shows what kind.
function firstHandle(fd: number): unknown {
  try {
    const holder = new Socket({ fd, readable: false, writable: false }) as {
      _handle?: TcpHandle | null
    }
    const handle = holder._handle
    // The holder is never destroyed: that would close the connection.
    holder._handle = null
    if (handle?.getpeername) NewTcp = handle.constructor as typeof NewTcp
    return handle
  } catch {
    closeSync(fd) // no connection
    return undefined
  }
}

/**
 * Excuses a connection that was taken over from a request within `headersTimeout`: Node counts it
 * as one that has just been opened, and would answer 408 to a client that was promised longer.
 */
export function excuseSilence(server: AnyServer, socket: Socket): void {
  const put = (property: PropertyDescriptor): unknown =>
    Object.defineProperty(socket, 'server', { ...property, configurable: true, enumerable: true })
  // A program may keep something on the server of a request: it is the server itself, from the first
  // byte on.
  const restore = (): void => void put({ value: server, writable: true })
  // Node asks the socket for its server only to tell it of errors (_http_server.js, socketOnError).
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
