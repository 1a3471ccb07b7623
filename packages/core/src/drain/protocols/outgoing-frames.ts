import type { ServerHttp2Stream } from 'node:http2'
import { LONGEST_HEAD } from '../../continue/response-head.ts'
import { sentStatus } from '../../node/http2-stream.ts'

/**
 * Follows what a server writes to a WebSocket: the head of its response, and then frames (RFC 6455, 5.2). Between
 * two frames another one may be written; inside a frame its bytes would be taken for payload.
 */
export class OutgoingFrames {
  #state: 'head' | 'frames' | 'unknown'
  /** The head of the response, or the start of a frame whose length is not known yet. */
  #held: Buffer = Buffer.alloc(0)
  /** Bytes that the payload of the current frame still lacks. */
  #left = 0

  constructor(begin: 'head' | 'frames' = 'head') {
    this.#state = begin
  }

  /** Whether the head and all frames that have begun are complete. */
  get isBetween(): boolean {
    return this.#state === 'frames' && this.#left === 0 && this.#held.length === 0
  }

  /** False after a response that is not the start of a WebSocket: nothing is known of what follows it. */
  get isKnown(): boolean {
    return this.#state !== 'unknown'
  }

  written(bytes: Buffer): void {
    let rest = bytes
    if (this.#state === 'head') rest = this.#head(rest)
    if (this.#state !== 'frames') return
    while (rest.length > 0) {
      const payload = Math.min(this.#left, rest.length)
      this.#left -= payload
      rest = rest.subarray(payload)
      if (rest.length > 0) rest = this.#frame(rest)
    }
  }

  /** Returns what follows the head. */
  #head(bytes: Buffer): Buffer {
    const text = Buffer.concat([this.#held, bytes])
    const end = text.indexOf('\r\n\r\n')
    if (end >= 0) this.#state = text.toString('latin1', 0, 12) === SWITCHING ? 'frames' : 'unknown'
    else if (text.length > LONGEST_HEAD) this.#state = 'unknown'
    this.#held = end >= 0 ? Buffer.alloc(0) : text
    return text.subarray(end + 4)
  }

  /** Reads the start of a frame, and returns what follows it. */
  #frame(bytes: Buffer): Buffer {
    const frame = Buffer.concat([this.#held, bytes])
    const short = frame.length > 1 ? frame.readUInt8(1) & 0x7f : 0
    const isMasked = frame.length > 1 && (frame.readUInt8(1) & 0x80) !== 0
    const length = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0)
    if (frame.length < length) {
      this.#held = frame
      return Buffer.alloc(0)
    }
    this.#held = Buffer.alloc(0)
    this.#left = short
    if (short === 126) this.#left = frame.readUInt16BE(2)
    if (short === 127) this.#left = Number(frame.readBigUInt64BE(2))
    // A server must not mask its frames, but a client would still find the end of one.
    if (isMasked) this.#left += 4
    return frame.subarray(length)
  }
}

/**
 * As {@link OutgoingFrames}, on an HTTP/2 stream. There the head is no part of the bytes, and frames follow once it
 * was sent.
 */
export class OutgoingStreamFrames extends OutgoingFrames {
  readonly #stream: ServerHttp2Stream

  constructor(stream: ServerHttp2Stream) {
    super('frames')
    this.#stream = stream
  }

  override get isBetween(): boolean {
    return super.isBetween && sentStatus(this.#stream) === 200
  }
}

const SWITCHING = 'HTTP/1.1 101'
