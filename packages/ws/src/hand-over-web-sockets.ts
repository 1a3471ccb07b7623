import { type AnyServer, SocketPortError } from '@socket-port/core/adapter'
import { type AttachmentFunction, ownMessages } from './attachments.ts'
import { continueWebSockets } from './continue-web-sockets.ts'

export interface HandOverWebSocketsOptions {
  /**
   * Returns the value that `attachmentOf` returns in the next process for the request of this WebSocket: anything that
   * `structuredClone` takes, at most 64 KiB. It is called when all messages of the client that have arrived were emitted; the
   * next messages wait for the next process. An async function may wait for work on messages that have come. @default nothing
   */
  attachment?: AttachmentFunction | undefined
}

const undone = new WeakMap<AnyServer, () => void>()

/**
 * Lets the next process continue the WebSockets of a server, so that their clients see no close. Call it once for each
 * server, before or after a WebSocketServer of `ws`, a framework, or `listen` is given the server. It applies to the
 * WebSockets that open from then on. A second call replaces the options of the first.
 *
 * The next program sees a new connection with the request of the old one: its 'connection', its routes and its checks
 * run again. If it refuses the connection, the client gets the close code 1012. In this process the WebSocket emits
 * `'handover'` rather than 'close'.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION if `server` is not a server, or `attachment` not a function
 */
export function handOverWebSockets(
  server: AnyServer,
  { attachment }: HandOverWebSocketsOptions = {},
): void {
  if (attachment !== undefined && typeof attachment !== 'function') {
    throw new SocketPortError(
      'ERR_SOCKET_PORT_INVALID_OPTION',
      `attachment of handOverWebSockets must be a function (got ${typeof attachment}); ` +
        'pass { attachment: (ws, request) => ({ user: ws.user }) }',
    )
  }
  const undo = continueWebSockets(server, (request) => ownMessages(request, attachment), {
    isFallback: true,
  })
  undone.get(server)?.()
  undone.set(server, undo)
}
