import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { AnyServer } from '../types.ts'

// Node keeps these under symbols (lib/_http_server.js, 20 to 26). Nothing public tells a connection
// that has sent half a header from an idle one. Where they are missing, it counts as idle.
interface ParserList {
  active(): { socket?: Socket }[]
}

function internal(server: AnyServer, description: string): unknown {
  const symbol = Object.getOwnPropertySymbols(server).find((own) => own.description === description)
  return symbol && Reflect.get(server, symbol)
}

/** The connections whose parser is in the middle of a request, header or body. */
export function receiving(server: AnyServer): Set<Socket> {
  const list = internal(server, 'http.server.connections') as ParserList | undefined
  const sockets = list?.active?.().flatMap(({ socket }) => socket ?? []) ?? []
  // The list also counts those that have not sent anything yet, for Node's time-out of headers.
  return new Set(sockets.filter((socket) => socket.bytesRead > 0))
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

/** Ends the interval of an HTTP server that its own `close()` would have ended. */
export function stopConnectionChecks(server: AnyServer): void {
  clearInterval(
    internal(server, 'http.server.connectionsCheckingInterval') as NodeJS.Timeout | undefined,
  )
}
