import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { AnyServer } from '../base/types.ts'
import { ownSymbol } from './own-symbol.ts'

// Node's list of the HTTP/1.1 parsers of a server, for its time-outs (ConnectionsList in lib/_http_server.js,
// 20 to 26). No public API tells a connection that has sent half a header from an idle one. If a future
// Node lacks the list, such a connection counts as idle.
interface ParserList {
  all(): { socket?: Socket }[]
  active(): { socket?: Socket }[]
}

// Node removes the parser of a socket when the connection is upgraded.
interface ParsedSocket extends Socket {
  parser?: { incoming?: IncomingMessage | null; getCurrentBuffer?(): Buffer | undefined } | null
}

const parserList = (server: AnyServer): ParserList | undefined =>
  ownSymbol(server, 'http.server.connections') as ParserList | undefined

/** Whether the server reads HTTP/1.1. Node makes its list for an HTTP/2 server too, with `allowHTTP1`. */
export const keepsParserList = (server: AnyServer): boolean => parserList(server) !== undefined

/**
 * The open HTTP/1.1 connections of a server, without TLS handshakes and upgraded connections; `undefined` if
 * Node keeps no list of them.
 */
export function parsedConnections(server: AnyServer): Socket[] | undefined {
  return parserList(server)
    ?.all?.()
    .flatMap(({ socket }) => socket ?? [])
}

/** The connections whose parser is in the middle of a request, header or body. */
export function receivingConnections(server: AnyServer): Set<Socket> {
  const active = parserList(server)?.active?.() ?? []
  const sockets = active.flatMap(({ socket }) => socket ?? [])
  // Node's list also has connections that have sent nothing yet, for its header time-out.
  return new Set(sockets.filter((socket) => socket.bytesRead > 0))
}

/** Whether an HTTP/1.1 parser reads the connection, which may be that of another server. */
export const hasParser = ({ parser }: ParsedSocket): boolean => Boolean(parser)

/** The request that the parser has begun last; `undefined` before the first one and after an upgrade. */
export const newestRequest = ({ parser }: ParsedSocket): IncomingMessage | undefined =>
  parser?.incoming ?? undefined

/** The request whose body is not complete; `undefined` if there is none, or only half a header. */
export function unreadRequest(socket: Socket): IncomingMessage | undefined {
  const request = newestRequest(socket)
  return request && !request.complete ? request : undefined
}

/** Whether bytes of a later request were read on the connection, even if only a part of its head. */
export function hasNextRequest(socket: Socket, request: IncomingMessage): boolean {
  if (newestRequest(socket) !== request) return true
  // Node keeps the server of a connection there (connectionListenerInternal in lib/_http_server.js, 20 to 26).
  const { server } = socket as { server?: AnyServer }
  return request.complete && server !== undefined && receivingConnections(server).has(socket)
}

/**
 * Whether bytes of a next request were received together with this one. A client that pipelines sends them,
 * and the handler may answer the first request before the second was parsed.
 */
export function isFollowed({ method, url, headers, socket }: IncomingMessage): boolean {
  const bytes = (socket as ParsedSocket).parser?.getCurrentBuffer?.()
  // The end of a chunked body cannot be found here.
  if (bytes === undefined || 'transfer-encoding' in headers) return false
  // Not found when the request began in an earlier segment: then the first head that ends is its own.
  const start = Math.max(0, bytes.indexOf(`${method} ${url} HTTP/`))
  const head = bytes.indexOf('\r\n\r\n', start)
  return head >= 0 && bytes.length > head + 4 + Number(headers['content-length'] ?? 0)
}
