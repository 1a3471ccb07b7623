import { type AnyServer, SocketPortError } from '@socket-port/core/adapter'
import { type AttachmentFunction, ownMessages } from './attachments.ts'
import { continueWebSockets } from './continue-web-sockets.ts'

export interface HandOverWebSocketsOptions {
  /**
   * What `attachmentOf` returns in the next process for the request of this WebSocket: anything that `structuredClone` takes,
   * at most 64 KiB. It is called when no message of the client is under way in this process, and the client's next
   * messages wait for the next process; an async function may wait for work on messages that have come. @default nothing
   */
  attachment?: AttachmentFunction | undefined
}

const undone = new WeakMap<AnyServer, () => void>()

/**
 * Lets the next process continue the WebSockets of a server, so that their clients see no close. Call it once for each
 * server, before or after a WebSocketServer of `ws`, a framework, or `listen` is given the server. It takes the
 * WebSockets that open from then on. A second call replaces the options of the first.
 *
 * The next program sees a new connection with the request of the old one: its 'connection', its routes and its checks
 * run again. Where it refuses, the client hears the close code 1012. In this process the WebSocket emits `'handover'`
 * rather than 'close'.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION
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
