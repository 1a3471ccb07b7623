import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** The head of a response, names in lower case. */
export interface Head {
  status: number
  headers: Map<string, string>
}

export interface Body {
  text: string
  trailers: Map<string, string>
}

/** A client connection that writes and reads HTTP/1.1 strictly by RFC 9112, without a library. */
export class Wire {
  readonly socket: Socket
  #received = ''
  #ended = false
  #closed = false
  #error: string | undefined
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1').setNoDelay(true)
    socket.on('data', (text: string) => {
      this.#received += text
      this.#wake()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error.code ?? error.message
    })
    socket.on('end', () => {
      this.#ended = true
      this.#wake()
    })
    socket.on('close', () => {
      this.#ended = true
      this.#closed = true
      this.#wake()
    })
  }

  static async open(port: number, host: string): Promise<Wire> {
    const socket = connect({ port, host, allowHalfOpen: true })
    await once(socket, 'connect')
    return new Wire(socket)
  }

  /** The server has closed the connection, or has sent bytes without a request. */
  get isOver(): boolean {
    return this.#ended || this.#received !== ''
  }

  write(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** Sends a FIN. The response may still arrive. */
  finish(): void {
    this.socket.end()
  }

  async head(): Promise<Head> {
    const [start = '', ...lines] = (await this.#until('\r\n\r\n')).split('\r\n')
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(start) ?? []
    if (status === undefined) throw new Error(`no response begins with "${start}"`)
    return { status: Number(status), headers: fieldsOf(lines) }
  }

  async body({ headers }: Head): Promise<Body> {
    const length = headers.get('content-length')
    if (length !== undefined) return { text: await this.take(Number(length)), trailers: new Map() }
    if (headers.get('transfer-encoding') === 'chunked') return this.#chunks()
    return { text: await this.#untilEnd(), trailers: new Map() }
  }

  /** Reads exactly so many bytes. */
  async take(length: number): Promise<string> {
    while (this.#received.length < length) await this.#more()
    return this.#cut(length)
  }

  /** Resolves when the server has closed the connection by a FIN; rejects if bytes or a reset come instead. */
  async end(): Promise<void> {
    const rest = await this.#untilEnd()
    this.socket.end()
    while (!this.#closed) await this.#change()
    if (rest !== '') throw new Error(`after the last response came "${rest.slice(0, 80)}"`)
    if (this.#error !== undefined) throw new Error(`ended with ${this.#error}`)
  }

  destroy(): void {
    this.socket.destroy()
  }

  async #chunks(): Promise<Body> {
    let text = ''
    for (;;) {
      const size = Number.parseInt(await this.#until('\r\n'), 16)
      if (!(size >= 0)) throw new Error('a chunk has no size')
      if (size === 0) break
      text += await this.take(size)
      if ((await this.take(2)) !== '\r\n') throw new Error('a chunk is longer than its size')
    }
    const lines: string[] = []
    for (let line = await this.#until('\r\n'); line !== ''; line = await this.#until('\r\n')) {
      lines.push(line)
    }
    return { text, trailers: fieldsOf(lines) }
  }

  async #until(mark: string): Promise<string> {
    while (!this.#received.includes(mark)) await this.#more()
    const text = this.#cut(this.#received.indexOf(mark))
    this.#cut(mark.length)
    return text
  }

  async #untilEnd(): Promise<string> {
    while (!this.#ended) await this.#change()
    return this.#cut(this.#received.length)
  }

  #cut(length: number): string {
    const text = this.#received.slice(0, length)
    this.#received = this.#received.slice(length)
    return text
  }

  async #more(): Promise<void> {
    if (this.#ended) {
      const how = this.#error ?? 'FIN'
      throw new Error(`closed (${how}) after "${this.#received.slice(0, 80)}"`)
    }
    await this.#change()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

const fieldsOf = (lines: readonly string[]): Map<string, string> =>
  new Map(
    lines.map((line) => {
      const [, name = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? []
      return [name.toLowerCase(), value]
    }),
  )
