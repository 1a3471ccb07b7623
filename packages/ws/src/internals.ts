import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { differenceFrom, type Shape } from './shape.ts'

// Every use of internals of `ws` is in this file: of lib/websocket.js, lib/receiver.js, lib/sender.js and
// lib/permessage-deflate.js of 8.0 to 8.23. `contract.test.ts` checks them with the released versions.

/** The part of a frame that the receiver reads next: the states of lib/receiver.js. */
export const READS_INFO = 0
export const READS_LENGTH_16 = 1
export const READS_LENGTH_64 = 2
export const READS_MASK = 3
export const READS_DATA = 4

/** What the receiver has read of messages that the program has not got yet. */
export interface Received {
  readonly state: number
  /** Of the frame that it is reading. */
  readonly fin: boolean
  readonly opcode: number
  readonly payloadLength: number
  readonly mask: Uint8Array | undefined
  /** The bytes of this frame that have arrived, masked, and the bytes after it. */
  readonly buffers: readonly Uint8Array[]
  /** Whether the message that it is reading is compressed. */
  readonly compressed: boolean
  /** The opcode of a message of several frames, once its first frame was read; 0 for none. */
  readonly fragmented: number
  /** The frames of this message that are complete and not empty, unmasked. */
  readonly fragments: readonly Uint8Array[]
}

interface Receiver {
  _state: number
  _fin: boolean
  _opcode: number
  _payloadLength: number
  _mask: Uint8Array | undefined
  _buffers: Uint8Array[]
  _compressed: boolean
  _fragmented: number
  _fragments: Uint8Array[]
  _writableState: { length: number }
  removeAllListeners(): void
  on(event: 'error', listener: () => void): void
}

interface Sender {
  _firstFragment: boolean
  _bufferedBytes: number
  _queue: unknown[]
  /** From 8.18 on. */
  _state?: number
  /** Before 8.18. */
  _deflating?: boolean
}

interface Deflate {
  params: Record<string, unknown>
  _inflate: unknown
  cleanup(): void
}

interface Internals {
  _readyState: number
  _receiver: Receiver
  _sender: Sender
  _extensions: Record<string, Deflate>
  emitClose(): void
}

const internalsOf = (ws: WebSocket): Internals => ws as unknown as Internals

const deflateOf = (ws: WebSocket): Deflate | undefined =>
  internalsOf(ws)._extensions['permessage-deflate']

const CLOSED = 3

/** The WebSocket that `ws` has put on a connection; `undefined` where there is none, or one of another library. */
export function webSocketOf(socket: Socket): WebSocket | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find((own) => own.description === 'websocket')
  const found: unknown = symbol && Reflect.get(socket, symbol)
  return typeof found === 'object' && found !== null ? (found as WebSocket) : undefined
}

const WEB_SOCKET: Shape = {
  _readyState: 'number',
  _receiver: 'object',
  _sender: 'object',
  _extensions: 'object',
  emitClose: 'function',
}
const RECEIVER: Shape = {
  _state: 'number',
  _fin: 'boolean',
  _opcode: 'number',
  _payloadLength: 'number',
  _mask: 'any',
  _buffers: 'array',
  _compressed: 'boolean',
  _fragmented: 'number',
  _fragments: 'array',
  _writableState: 'object',
}
const SENDER: Shape = {
  _firstFragment: 'boolean',
  _bufferedBytes: 'number',
  _queue: 'array',
}
const DEFLATE: Shape = {
  params: 'object',
  _inflate: 'any',
  cleanup: 'function',
}

/** The first property of a WebSocket that is not as this file expects it, such as `_receiver._state`; `undefined` for none. */
export function differenceOf(ws: WebSocket): string | undefined {
  const { _receiver, _sender } = internalsOf(ws)
  const deflate = deflateOf(ws)
  const difference =
    differenceFrom(WEB_SOCKET, ws) ??
    differenceFrom(RECEIVER, _receiver, '_receiver.') ??
    differenceFrom(SENDER, _sender, '_sender.') ??
    (deflate && differenceFrom(DEFLATE, deflate, '_extensions.'))
  if (difference !== undefined) return difference
  return '_state' in _sender || '_deflating' in _sender ? undefined : '_sender._state'
}

/** What the receiver has read; `undefined` while it decompresses a message, or is about to emit an event. */
export function receivedBy(ws: WebSocket): Received | undefined {
  const { _receiver: receiver } = internalsOf(ws)
  if (receiver._state > READS_DATA || receiver._writableState.length > 0) return undefined
  return {
    state: receiver._state,
    fin: receiver._fin,
    opcode: receiver._opcode,
    payloadLength: receiver._payloadLength,
    mask: receiver._mask,
    buffers: receiver._buffers,
    compressed: receiver._compressed,
    fragmented: receiver._fragmented,
    fragments: receiver._fragments,
  }
}

/** Whether everything that the program has sent was written to the connection, and the program is not in the middle of a message. */
export function hasSentAll(ws: WebSocket): boolean {
  const { _firstFragment, _bufferedBytes, _queue, _state, _deflating } = internalsOf(ws)._sender
  const isAtRest = _bufferedBytes + _queue.length === 0 && !_state && !_deflating
  return _firstFragment && isAtRest
}

/**
 * Whether the next compressed message of the client can be decompressed only with its earlier ones, which is called context
 * takeover (RFC 7692, 7.1.1). False before its first compressed message.
 */
export function hasInflateContext(ws: WebSocket): boolean {
  const deflate = deflateOf(ws)
  if (deflate === undefined || deflate._inflate === null) return false
  return deflate.params.client_no_context_takeover !== true
}

/** Whether a message has been decompressed on this connection. */
export const hasInflated = (ws: WebSocket): boolean => (deflateOf(ws)?._inflate ?? null) !== null

/** `WebSocketServer` forgets a client in the first listener of 'close' (lib/websocket-server.js, completeUpgrade). */
const FORGETS = /\bthis\.clients\.delete\(/

/**
 * Closes a WebSocket that the next process continues. The program gets neither 'close' nor another message, its further
 * sends call back with an error, and `clients` of the server no longer has the WebSocket.
 */
export function release(ws: WebSocket): void {
  const internals = internalsOf(ws)
  const { _receiver: receiver } = internals
  receiver.removeAllListeners()
  // When the connection closes, `ws` gives the receiver the bytes that were not read yet, which may be in error.
  receiver.on('error', () => {})
  internals._readyState = CLOSED
  // `ws` calls it when the connection has closed.
  internals.emitClose = () => {
    deflateOf(ws)?.cleanup()
    internals._readyState = CLOSED
  }
  const [first] = ws.listeners('close')
  if (first !== undefined && FORGETS.test(String(first))) first.call(ws)
}
