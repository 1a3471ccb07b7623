import { once } from 'node:events'
import type { Socket } from 'node:net'

/** Frame types of RFC 9113, section 6. */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
} as const

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const END_STREAM = 0x1
const END_HEADERS = 0x4
const ACK = 0x1
const MOST = 2 ** 31 - 1
const MAX_FRAME = 2 ** 24 - 1

/**
 * An HTTP/2 client that reads frames alone, and fails at the first byte that cannot be one. It has a window without
 * an end, so only the connection holds the server back. It answers SETTINGS by itself, and PING if it may.
 */
export class RawHttp2 {
  readonly frames: Frame[] = []
  readonly closed: Promise<void>
  /** Whether it answers the PING that has just come. */
  answersPing: () => boolean = () => true
  error: Error | undefined
  readonly #socket: Socket
  #left: Buffer = Buffer.alloc(0)
  #changed: () => void = () => {}
  #ended = false

  constructor(socket: Socket) {
    this.#socket = socket
    const settings = Buffer.alloc(12)
    settings.writeUInt16BE(4, 0) // SETTINGS_INITIAL_WINDOW_SIZE
    settings.writeUInt32BE(MOST, 2)
    settings.writeUInt16BE(5, 6) // SETTINGS_MAX_FRAME_SIZE
    settings.writeUInt32BE(MAX_FRAME, 8)
    socket.write(PREFACE)
    this.send(FRAME.SETTINGS, 0, 0, settings)
    this.send(FRAME.WINDOW_UPDATE, 0, 0, uint32(MOST - 65_535))
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
    socket.on('error', (error) => {
      this.error ??= error
    })
    this.closed = once(socket, 'close').then(() => {
      this.#ended = true
      this.#changed()
    })
  }

  /** Reads nothing more until {@link resume}: the kernel's buffers fill. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Asks for the path with GET. */
  get(stream: number, path: string): void {
    this.send(FRAME.HEADERS, END_HEADERS | END_STREAM, stream, headers(path))
  }

  /** Begins a request with these fields. Its body, or its tunnel, follows in DATA frames, unless it `ends` here. */
  request(stream: number, fields: Readonly<Record<string, string>>, ends = false): void {
    const flags = END_HEADERS | (ends ? END_STREAM : 0)
    this.send(FRAME.HEADERS, flags, stream, Buffer.concat(Object.entries(fields).map(literal)))
  }

  /** Each stream has a window of so many bytes at its start (RFC 9113, 6.9.2). */
  setWindow(bytes: number): void {
    const setting = Buffer.alloc(6)
    setting.writeUInt16BE(4, 0) // SETTINGS_INITIAL_WINDOW_SIZE
    setting.writeUInt32BE(bytes, 2)
    this.send(FRAME.SETTINGS, 0, 0, setting)
  }

  send(type: number, flags: number, stream: number, payload: Buffer): void {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head.writeUInt8(type, 3)
    head.writeUInt8(flags, 4)
    head.writeUInt32BE(stream, 5)
    this.#socket.write(Buffer.concat([head, payload]))
  }

  /** Answers a PING of the server. */
  answer({ payload }: Frame): void {
    this.send(FRAME.PING, ACK, 0, payload)
  }

  /** The first frame that fits, received before or yet to come; rejects when the connection ends without it. */
  async receive(fits: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(fits)
      if (found !== undefined) return found
      if (this.#ended || this.error) throw this.error ?? new Error('closed before the frame came')
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  /** The bytes of a response's body so far. */
  bodyLength(stream: number): number {
    return this.frames
      .filter((frame) => frame.type === FRAME.DATA && frame.stream === stream)
      .reduce((sum, { payload }) => sum + payload.length, 0)
  }

  /** Sends nothing more. */
  end(): void {
    this.#socket.end()
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    this.#left = Buffer.concat([this.#left, bytes])
    while (this.#left.length >= 9) {
      const length = this.#left.readUIntBE(0, 3)
      if (!this.#isFrame(length)) {
        this.#fail()
        break
      }
      if (this.#left.length < 9 + length) break
      const frame: Frame = {
        type: this.#left.readUInt8(3),
        flags: this.#left.readUInt8(4),
        stream: this.#left.readUInt32BE(5),
        payload: this.#left.subarray(9, 9 + length),
      }
      this.#left = this.#left.subarray(9 + length)
      this.frames.push(frame)
      if ((frame.flags & ACK) === 0) this.#reply(frame)
    }
    this.#changed()
  }

  #reply(frame: Frame): void {
    if (frame.type === FRAME.SETTINGS) this.send(FRAME.SETTINGS, ACK, 0, Buffer.alloc(0))
    if (frame.type === FRAME.PING && this.answersPing()) this.answer(frame)
  }

  /** Whether the bytes can be a frame of a server that pushes nothing; its first one is SETTINGS. */
  #isFrame(length: number): boolean {
    const type = this.#left.readUInt8(3)
    const ofStream = this.#left.readUInt32BE(5) !== 0
    if (this.frames.length === 0 && type !== FRAME.SETTINGS) return false
    if (type === FRAME.DATA || type === FRAME.HEADERS) return ofStream
    if (type === FRAME.RST_STREAM) return ofStream && length === 4
    if (type === FRAME.WINDOW_UPDATE) return length === 4
    if (type === FRAME.SETTINGS) return !ofStream && length % 6 === 0
    if (type === FRAME.PING) return !ofStream && length === 8
    return type === FRAME.GOAWAY && !ofStream && length >= 8
  }

  #fail(): void {
    this.error = new Error(`not a frame: ${this.#left.subarray(0, 17).toString('hex')}`)
    this.#socket.destroy()
  }
}

/** The last stream that a GOAWAY names. */
export const lastStreamOf = ({ payload }: Frame): number => payload.readUInt32BE(0)

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

// A literal field without indexing, with a new name (RFC 7541, 6.2.2).
const literal = ([name, value]: [string, string]): Buffer =>
  Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name, 'latin1'),
    Buffer.from([value.length]),
    Buffer.from(value, 'latin1'),
  ])

// HPACK without a table of its own: `:method` and `:scheme` from the static one, the rest as literals
// without indexing (RFC 7541, 6.2.2).
function headers(path: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x82, 0x86]),
    Buffer.from([0x04, path.length]),
    Buffer.from(path, 'latin1'),
    Buffer.from([0x01, 4]),
    Buffer.from('test', 'latin1'),
  ])
}
