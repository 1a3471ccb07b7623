import type { IncomingMessage } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http2'
import { addHook, hooksOf } from '../../base/server-hooks.ts'
import type { AnyServer } from '../../base/types.ts'
import { checkServer, invalid } from '../../base/validate.ts'
import type { Carrier } from './carrier.ts'

/** Asks the other side of an upgraded connection to leave, in the way of its protocol. */
export type UpgradedCloser = () => unknown

/** The request of an upgraded HTTP/2 stream: what `IncomingMessage` has of the same names. */
export interface UpgradedStreamRequest {
  readonly httpVersionMajor: 2
  readonly method: 'CONNECT'
  /** `:path`. A CONNECT without a protocol has none. */
  readonly url: string | undefined
  /** With the pseudo-headers, such as `:protocol` and `:authority`. */
  readonly headers: IncomingHttpHeaders
}

/**
 * Called for each connection that is upgraded, and for each HTTP/2 stream of a CONNECT. Returns how it is closed;
 * `undefined`: as if there were no hook.
 */
export type UpgradedHook = (
  socket: Carrier,
  request: IncomingMessage | UpgradedStreamRequest,
) => UpgradedCloser | undefined

// Symbol.for: the drain may be that of another copy of this package.
const HOOKS = Symbol.for('@socket-port/core/on-upgraded/1')

/**
 * Lets a program close upgraded connections of a server itself when the server drains: CONNECT tunnels, protocols
 * other than WebSockets, and WebSockets that need more than a close frame. Returns a function that removes the hook.
 *
 * The hook is called for each `'upgrade'` and `'connect'` of HTTP/1.1, and for each stream that a CONNECT of HTTP/2
 * opens, before the program's own listener. It gets the socket, or the stream.
 * The function that it returns is called once when the connection should leave. Calls are spread over
 * `drain.spread`. The drain then waits for the connection to close, until its deadline (`drain.timeout`). WebSockets
 * need no hook: they are closed with `drain.webSocketCode`.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION
 */
export function onUpgraded(server: AnyServer, hook: UpgradedHook): () => void {
  checkServer(server)
  if (typeof hook !== 'function') {
    const repair = '; pass onUpgraded(server, (socket) => () => socket.end())'
    throw invalid('the hook of onUpgraded', hook, 'a function', repair)
  }
  return addHook(server, HOOKS, hook)
}

/** The first closer that a hook of the server returns for the connection. */
export function closerOf(
  server: AnyServer,
  socket: Carrier,
  request: IncomingMessage | UpgradedStreamRequest,
): UpgradedCloser | undefined {
  for (const hook of hooksOf<UpgradedHook>(server, HOOKS)) {
    const closer = hook(socket, request)
    if (typeof closer === 'function') return closer
  }
  return undefined
}
