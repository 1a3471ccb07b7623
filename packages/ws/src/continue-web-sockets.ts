import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import {
  type AnyServer,
  beforeUpgrade,
  type Continuable,
  type Continuation,
  continuableOf,
  handOverConnection,
  hearResponseHead,
  isFlushed,
  pauseReading,
  type RequestChanges,
  requestHead,
  resumeReading,
  unreadBytes,
} from '@socket-port/core/adapter'
import type { WebSocket } from 'ws'
import {
  differenceOf,
  hasInflateContext,
  hasInflated,
  hasSentAll,
  receivedBy,
  release,
  webSocketOf,
} from './internals.ts'
import { unreadOf } from './unread.ts'

/** What goes to the next process with a WebSocket. */
export interface PassedWebSocket {
  /** What `attachmentOf` returns there. @default nothing */
  readonly attachment?: unknown
  /** The URL of the request that the next process reads. @default as the client sent it */
  readonly url?: string | undefined
  /** Headers of that request that differ, by their names in lower case. @default as the client sent them */
  readonly headers?: RequestChanges['headers']
}

/** The protocol of one WebSocket: the messages of the program itself, or a protocol on them such as Socket.IO. */
export interface WebSocketProtocol {
  /**
   * Called when the connection is at rest: it is no longer read, everything that was sent has left, and no message is about to
   * be emitted. `unread` are the bytes that the next process reads first. If they differ from those of an earlier call, a
   * message was emitted in between.
   *
   * Returns what goes to the next process: the connection is handed over in the same turn of the event loop, if the next
   * process takes it. Returns `undefined` to be asked again soon, and a string, the reason, if the connection must stay.
   */
  capture(ws: WebSocket, unread: Buffer): PassedWebSocket | string | undefined
  /**
   * Whether the client must still send something before the connection can be at rest, such as an answer. While it must, the
   * connection is read. @default false
   */
  isExpecting?(ws: WebSocket): boolean
  /** What the protocol waited for at the last call. If that takes too long, the reason for which the connection stays names it. */
  readonly waitsFor?: string | undefined
  /** Called when the connection stays for now, and is read again: the state that `capture` looked at may change. */
  resumed?(): void
  /** Called when the next process has the connection, before the WebSocket emits 'handover'. */
  handedOver?(ws: WebSocket): void
}

export interface ContinueWebSocketsOptions {
  /** Leave the connections alone that another caller has already made continuable. @default false */
  isFallback?: boolean
}

/**
 * Lets the next process continue the WebSockets of a server that speak a protocol. `open` is called for each handshake,
 * before the program gets its request, and returns the protocol, or `undefined` if it is not spoken there. Returns a function
 * that undoes this for later handshakes.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION if `server` is not a server
 */
export function continueWebSockets(
  server: AnyServer,
  open: (request: IncomingMessage) => WebSocketProtocol | undefined,
  { isFallback = false }: ContinueWebSocketsOptions = {},
): () => void {
  return beforeUpgrade(server, (request, socket) => {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') return
    if (isFallback && continuableOf(socket) !== undefined) return
    const protocol = open(request)
    if (protocol !== undefined) new ContinuableWebSocket(request, socket, protocol)
  })
}

/** The close code "Service Restart" (IANA, WebSocket Close Code Number Registry). */
export const SERVICE_RESTART = 1012
const CLOSE = 8

/** The bytes that the client gets if the next program does not continue its WebSocket: a close frame of a server. */
const REFUSAL = Buffer.from([0x80 | CLOSE, 2, SERVICE_RESTART >> 8, SERVICE_RESTART & 0xff])

const OPEN = 1

let hasWarned = false

/** Warns at the first WebSocket, rather than at the first restart, that none can be handed over with this version of `ws`. */
function warnOfOtherVersion(socket: Socket): void {
  const ws = hasWarned ? undefined : webSocketOf(socket)
  const difference = ws && differenceOf(ws)
  if (difference === undefined) return
  hasWarned = true
  process.emitWarning(
    `this version of ws differs from those that @socket-port/ws knows (${difference}): its WebSockets are closed ` +
      'at a restart; install a newer @socket-port/ws, or the ws that it was tested with (see its README)',
    { code: 'SOCKET_PORT_WS_VERSION' },
  )
}

class ContinuableWebSocket implements Continuable {
  readonly #request: IncomingMessage
  readonly #socket: Socket
  readonly #protocol: WebSocketProtocol
  /** The URL as the client sent it: a framework may change the one of the request. */
  readonly #url: string | undefined
  #responseHead: string | undefined
  #waitsFor: string | undefined

  constructor(request: IncomingMessage, socket: Socket, protocol: WebSocketProtocol) {
    this.#request = request
    this.#socket = socket
    this.#protocol = protocol
    this.#url = request.url
    const undo = handOverConnection(socket, this)
    hearResponseHead(socket, (head) => {
      if (!/^HTTP\/1\.1 101 /.test(head)) return undo()
      this.#responseHead = head
      process.nextTick(warnOfOtherVersion, socket)
    })
  }

  suspend(): void {
    pauseReading(this.#socket)
  }

  get waitsFor(): string | undefined {
    return this.#waitsFor ?? this.#protocol.waitsFor
  }

  capture(): Continuation | string | undefined {
    const responseHead = this.#responseHead
    this.#waitsFor = 'its handshake'
    // The handshake is not complete: the program may still look up who the client is.
    if (responseHead === undefined) return undefined
    this.#waitsFor = undefined
    const socket = this.#socket
    const ws = webSocketOf(socket)
    if (ws === undefined) return 'it is no WebSocket of the library ws'
    const difference = differenceOf(ws)
    if (difference !== undefined) return `its version of ws is not known (${difference})`
    if (ws.readyState !== OPEN) return 'it is closing'
    if (hasInflateContext(ws)) return 'its client compresses with context takeover'
    if (this.#protocol.isExpecting?.(ws)) {
      resumeReading(socket)
      return undefined
    }
    pauseReading(socket)
    this.#waitsFor = 'a message that has come'
    const received = receivedBy(ws)
    if (received === undefined) return undefined
    if (received.compressed && received.fragmented !== 0 && hasInflated(ws)) {
      // Frames that were decompressed cannot be restored as the client sent them, so the client must send the rest first.
      this.#waitsFor = 'the rest of a compressed message'
      resumeReading(socket)
      return undefined
    }
    this.#waitsFor = 'what it was sent'
    if (!hasSentAll(ws) || !isFlushed(socket, socket)) return undefined
    this.#waitsFor = undefined
    const unread = Buffer.concat([unreadOf(received), unreadBytes(socket)])
    const passed = this.#protocol.capture(ws, unread)
    if (typeof passed !== 'object') return passed
    const { attachment, url = this.#url, headers = {} } = passed
    const replay = [requestHead(this.#request, { url, headers }), unread]
    return {
      kind: 'webSockets',
      replay: Buffer.concat(replay),
      responseHead,
      refusal: REFUSAL,
      attachment,
    }
  }

  handedOver(): void {
    const ws = webSocketOf(this.#socket)
    if (ws === undefined) return
    release(ws)
    this.#protocol.handedOver?.(ws)
    ws.emit('handover')
  }

  resume(): void {
    this.#protocol.resumed?.()
    resumeReading(this.#socket)
  }
}
