import type { Socket } from 'node:net'
import type { AnyServer } from '../../base/types.ts'
import { hasParser, parsedConnections } from '../../node/http-parser.ts'
import { isHttp1Server, isHttp2Server, isTlsServer } from '../../node/server-kind.ts'
import { isEncrypted } from '../../node/tls-socket.ts'

/**
 * What a connection speaks at the moment. One server can have several kinds: an HTTP/2 server with
 * `allowHTTP1` has HTTP/1.1 connections beside its HTTP/2 sessions, and an upgrade changes the
 * protocol of an open connection.
 */
export type Protocol =
  /** TLS, not negotiated yet. */
  | 'handshake'
  /** Its requests are read by the HTTP/1.1 parser of this server. */
  | 'http1'
  /** Has an HTTP/2 session of this server, which ends after GOAWAY. */
  | 'http2'
  /** Unknown here: plain TCP, or what an upgrade led to. Cannot be asked to leave. */
  | 'other'

/** Returns what the connection of this server speaks. */
export function protocolOf(server: AnyServer, socket: Socket): Protocol {
  if (isTlsServer(server) && !isEncrypted(socket)) return 'handshake'
  // A server of another protocol may pass its connections to an HTTP server: that parser is not ours.
  if (hasParser(socket) && acceptsHttp1(server)) return 'http1'
  return isHttp2Server(server) && !negotiatedHttp1(socket) ? 'http2' : 'other'
}

/**
 * Returns whether a listening server reads HTTP/1.1: its new connections can be asked to leave, and
 * tell when they are idle. An HTTP/2 server keeps Node's list of parsers only with `allowHTTP1`.
 */
export const acceptsHttp1 = (server: AnyServer): boolean =>
  isHttp1Server(server) || parsedConnections(server) !== undefined

// As node:http2 decides (connectionListener in lib/internal/http2/core.js): a client that negotiated
// no protocol gets HTTP/1.1. A socket without TLS has no such property, and always gets HTTP/2.
function negotiatedHttp1(socket: Socket): boolean {
  const { alpnProtocol } = socket as { alpnProtocol?: string | false | null }
  return alpnProtocol === false || alpnProtocol === 'http/1.1'
}
