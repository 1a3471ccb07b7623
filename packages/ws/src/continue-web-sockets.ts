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

/** What is spoken on one WebSocket: the program's own messages, or a protocol such as Socket.IO. */
export interface WebSocketProtocol {
  /**
   * Called when the connection is at rest: it is not read any more, all that was sent has left, and no message is about
   * to be emitted. Returns what goes along; the connection is handed over in the same turn of the event loop, if the next
   * process takes it. `undefined`: ask again soon. A string: why it must stay. `unread`: what the next process reads first. If
   * it is another one than at an earlier call, a message was emitted in between.
   */
  capture(ws: WebSocket, unread: Buffer): PassedWebSocket | string | undefined
  /**
   * Whether the client must still send something before the connection can be at rest, such as an answer. As long as it
   * is so, the connection is read on. @default false
   */
  isExpecting?(ws: WebSocket): boolean
  /** What the protocol has last waited for. If that takes too long, the reason names it. */
  readonly waitsFor?: string | undefined
  /** It stays for now, and is read on: what `capture` was going to return holds no longer. */
  resumed?(): void
  /** The next process has it, and the program has not heard 'handover' yet. */
  handedOver?(ws: WebSocket): void
}

export interface ContinueWebSocketsOptions {
  /** Leaves the connections alone for which something else has been chosen. @default false */
  isFallback?: boolean
}

/**
 * Lets the next process continue WebSockets of a server, by a protocol that is spoken on them. `open` is called for each
 * handshake, before the program hears of it; `undefined`: the protocol is not spoken there. Returns a function that
 * undoes it for handshakes to come.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION for what is no server
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

/** The code "Service Restart" (IANA, WebSocket Close Code Number Registry). */
const SERVICE_RESTART = 1012
const CLOSE = 8

/** What the client hears if the next program does not continue its WebSocket: a close frame of a server. */
const REFUSAL = Buffer.from([0x80 | CLOSE, 2, SERVICE_RESTART >> 8, SERVICE_RESTART & 0xff])

const OPEN = 1

let hasWarned = false

/** Says at the first WebSocket, rather than at the first restart, that none of them will be handed over. */
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
  /** As the client sent it: a framework may change it in the request. */
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
    // The program may still look up who the client is.
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
      // What was decompressed cannot be compressed again as it came: the client must send the rest first.
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
