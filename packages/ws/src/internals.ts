import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'

// Every use of what `ws` keeps to itself, and nowhere else. lib/websocket.js, lib/receiver.js, lib/sender.js and
// lib/permessage-deflate.js of 8.0 to 8.23; `contract.test.ts` checks it with the released versions.

/** Up to which part of a frame the receiver has read it: the states of lib/receiver.js. */
export const READS_INFO = 0
export const READS_LENGTH_16 = 1
export const READS_LENGTH_64 = 2
export const READS_MASK = 3
export const READS_DATA = 4

/** What the receiver has read of messages that the program does not have yet. */
export interface Received {
  readonly state: number
  /** Of the frame that it is reading. */
  readonly fin: boolean
  readonly opcode: number
  readonly payloadLength: number
  readonly mask: Uint8Array | undefined
  /** Bytes of this frame that have come, masked, and bytes after it. */
  readonly buffers: readonly Uint8Array[]
  /** Whether the message is compressed that it is reading. */
  readonly compressed: boolean
  /** The opcode of a message that comes in several frames, from its first frame on. Otherwise 0. */
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

type Kind = 'number' | 'boolean' | 'array' | 'object' | 'function' | 'any'

const WEB_SOCKET: Readonly<Record<string, Kind>> = {
  _readyState: 'number',
  _receiver: 'object',
  _sender: 'object',
  _extensions: 'object',
  emitClose: 'function',
}
const RECEIVER: Readonly<Record<string, Kind>> = {
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
const SENDER: Readonly<Record<string, Kind>> = {
  _firstFragment: 'boolean',
  _bufferedBytes: 'number',
  _queue: 'array',
}
const DEFLATE: Readonly<Record<string, Kind>> = {
  params: 'object',
  _inflate: 'any',
  cleanup: 'function',
}

/** The first thing in a WebSocket that is not as this file expects it, such as `_receiver._state`. */
export function differenceOf(ws: WebSocket): string | undefined {
  const { _receiver, _sender } = internalsOf(ws)
  const different = (owner: unknown, expected: Readonly<Record<string, Kind>>, path = '') => {
    const name = Object.keys(expected).find((key) => !isOf(expected[key], owner, key))
    return name && `${path}${name}`
  }
  const found =
    different(ws, WEB_SOCKET) ??
    different(_receiver, RECEIVER, '_receiver.') ??
    different(_sender, SENDER, '_sender.') ??
    (deflateOf(ws) && different(deflateOf(ws), DEFLATE, '_extensions.'))
  if (found !== undefined) return found
  return '_state' in _sender || '_deflating' in _sender ? undefined : '_sender._state'
}

function isOf(kind: Kind | undefined, owner: unknown, key: string): boolean {
  if (typeof owner !== 'object' || owner === null || !(key in owner)) return false
  const value: unknown = Reflect.get(owner, key)
  if (kind === 'array') return Array.isArray(value)
  return kind === 'any' || typeof value === kind
}

/** What the receiver has read; `undefined` while it decompresses, or has an event to emit. */
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

/** Whether all that the program has sent was given to the connection, and it is not in the middle of a message. */
export function hasSentAll(ws: WebSocket): boolean {
  const { _firstFragment, _bufferedBytes, _queue, _state, _deflating } = internalsOf(ws)._sender
  const isAtRest = _bufferedBytes + _queue.length === 0 && !_state && !_deflating
  return _firstFragment && isAtRest
}

/**
 * Whether what the client compresses next can be decompressed only with what it has compressed before (RFC 7692,
 * 7.1.1). Not so before its first compressed message.
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
 * Closes a WebSocket that goes on elsewhere: the program hears neither 'close' nor another message, what it sends
 * calls back with an error, and `clients` of the server has it no longer.
 */
export function release(ws: WebSocket): void {
  const internals = internalsOf(ws)
  const { _receiver: receiver } = internals
  receiver.removeAllListeners()
  // When its connection closes, `ws` gives the receiver the bytes that it has not read yet.
  receiver.on('error', () => {})
  internals._readyState = CLOSED
  // `ws` calls it when its connection has closed.
  internals.emitClose = () => {
    deflateOf(ws)?.cleanup()
    internals._readyState = CLOSED
  }
  const [first] = ws.listeners('close')
  if (first !== undefined && FORGETS.test(String(first))) first.call(ws)
}
