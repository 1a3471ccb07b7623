const STATUS_LINE = /^HTTP\/1\.1 ([1-9]\d\d)(?: [^\r\n]*)?$/
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*$/
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,8})(?:;[^\r\n]*)?$/

type State = 'head' | 'counted' | 'chunk size' | 'chunk' | 'chunk end' | 'trailer' | 'done'

/**
 * Reads one HTTP/1.1 response strictly. A body without a length counts as malformed, because a client
 * cannot know whether it is complete.
 */
export class ResponseReader {
  status = 0
  id: string | undefined
  /** The server said `Connection: close`. */
  closes = false
  body = ''
  /** What is wrong with the response. */
  error: string | undefined
  #state: State = 'head'
  #left = 0
  #text = ''

  reset(): void {
    this.status = 0
    this.id = undefined
    this.closes = false
    this.body = ''
    this.error = undefined
    this.#state = 'head'
    this.#left = 0
    this.#text = ''
  }

  /** Reads the next bytes. Returns true when the response is complete or malformed. */
  push(bytes: Buffer): boolean {
    this.#text =
      this.#text === '' ? bytes.toString('latin1') : this.#text + bytes.toString('latin1')
    while (this.error === undefined && this.#state !== 'done') {
      if (!this.#step()) return false
    }
    if (this.error === undefined && this.#text !== '') this.error = 'bytes after the response'
    return true
  }

  /** Reads the next part. Returns false when that needs more bytes. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#head()
      case 'counted':
      case 'chunk':
        return this.#content()
      default:
        return this.#line()
    }
  }

  #head(): boolean {
    const end = this.#text.indexOf('\r\n\r\n')
    if (end === -1) {
      if (this.#text.length > 65_536) this.error = 'no end of head in 64 KiB'
      return this.error !== undefined
    }
    const [statusLine = '', ...lines] = this.#text.slice(0, end).split('\r\n')
    this.#text = this.#text.slice(end + 4)
    const status = STATUS_LINE.exec(statusLine)?.[1]
    if (status === undefined) return this.#wrong(`status line "${statusLine.slice(0, 80)}"`)
    this.status = Number(status)
    this.#headers(lines)
    return true
  }

  #headers(lines: readonly string[]): void {
    let length: string | undefined
    let coding: string | undefined
    for (const line of lines) {
      const [, name, value = ''] = HEADER_LINE.exec(line) ?? []
      if (name === undefined) {
        this.#wrong(`header line "${line.slice(0, 80)}"`)
        return
      }
      switch (name.toLowerCase()) {
        case 'content-length':
          length = length === undefined ? value : `${length}, ${value}`
          break
        case 'transfer-encoding':
          coding = coding === undefined ? value : `${coding}, ${value}`
          break
        case 'connection':
          this.closes ||= /(?:^|,)\s*close\s*(?:,|$)/i.test(value)
          break
        case 'x-request-id':
          this.id = value
      }
    }
    this.#frame(length, coding)
  }

  #frame(length: string | undefined, coding: string | undefined): void {
    // An interim response: the real one follows.
    if (this.status < 200) return
    if (this.status === 204 || this.status === 304) {
      this.#state = 'done'
    } else if (coding !== undefined) {
      if (length !== undefined) this.#wrong('a length and a transfer coding')
      else if (coding.toLowerCase() !== 'chunked') this.#wrong(`transfer coding "${coding}"`)
      else this.#state = 'chunk size'
    } else if (length === undefined || !/^\d{1,15}$/.test(length)) {
      this.#wrong(`length "${length}"`)
    } else {
      this.#left = Number(length)
      this.#state = this.#left === 0 ? 'done' : 'counted'
    }
  }

  #content(): boolean {
    const part = this.#text.slice(0, this.#left)
    this.body += part
    this.#left -= part.length
    this.#text = this.#text.slice(part.length)
    if (this.#left > 0) return false
    this.#state = this.#state === 'counted' ? 'done' : 'chunk end'
    return true
  }

  #line(): boolean {
    const end = this.#text.indexOf('\r\n')
    if (end === -1) {
      return this.#text.length > 1024 ? this.#wrong(`endless ${this.#state}`) : false
    }
    const line = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 2)
    if (this.#state === 'chunk end') {
      if (line !== '') return this.#wrong('a chunk longer than its size')
      this.#state = 'chunk size'
    } else if (this.#state === 'trailer') {
      if (line === '') this.#state = 'done'
      else if (!HEADER_LINE.test(line)) return this.#wrong(`trailer "${line.slice(0, 80)}"`)
    } else {
      const size = CHUNK_SIZE.exec(line)?.[1]
      if (size === undefined) return this.#wrong(`chunk size "${line.slice(0, 80)}"`)
      this.#left = Number.parseInt(size, 16)
      this.#state = this.#left === 0 ? 'trailer' : 'chunk'
    }
    return true
  }

  #wrong(what: string): true {
    this.error = what
    return true
  }
}
