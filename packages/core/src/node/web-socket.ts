import type { Duplex } from 'node:stream'
import { ownSymbol } from './own-symbol.ts'

/** What is used of a WebSocket of the library `ws`. */
export interface WsWebSocket {
  /** As in a browser; 1 is open. */
  readonly readyState: number
  close(code: number): void
}

/**
 * The WebSocket of `ws` that a connection or an HTTP/2 stream carries; `undefined` before its handshake is done, and
 * for any other library. `ws` puts it there under the symbol kWebSocket (lib/websocket.js, 7 and 8).
 */
export function wsWebSocket(socket: Duplex): WsWebSocket | undefined {
  const found = ownSymbol(socket, 'websocket') as Partial<WsWebSocket> | undefined
  return typeof found?.close === 'function' ? (found as WsWebSocket) : undefined
}
