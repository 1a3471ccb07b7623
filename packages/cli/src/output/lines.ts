import type { Level } from '../base/level.ts'

/** Turns a text that arrives in chunks into the pieces in which it is passed on. */
export interface Pieces {
  add(chunk: Buffer): void
  /** The next piece; `undefined` until more has arrived. */
  next(): Buffer | undefined
  /** The last piece, when no more text arrives; `undefined` for none. */
  rest(): Buffer | undefined
}

/** Passes each chunk on as it is. */
export class Chunks implements Pieces {
  readonly #chunks: Buffer[] = []

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  next(): Buffer | undefined {
    return this.#chunks.shift()
  }

  rest(): undefined {}
}

// Bytes. A line that never ends must not fill the memory.
const LONGEST_LINE = 65_536
// Bytes. Formatted lines are longer than what has arrived, so they are passed on in pieces that are not much longer than this.
const PIECE = 65_536

const NEWLINE = 0x0a

/** Passes on whole lines, each as `format` returns it. A line of more than 64 KiB becomes several. */
export class WholeLines implements Pieces {
  readonly #format: (line: Buffer) => Buffer
  #text: Buffer = Buffer.alloc(0)

  constructor(format: (line: Buffer) => Buffer) {
    this.#format = format
  }

  add(chunk: Buffer): void {
    this.#text = Buffer.concat([this.#text, chunk])
  }

  next(): Buffer | undefined {
    const lines: Buffer[] = []
    for (let length = 0; length < PIECE; ) {
      const line = this.#nextLine()
      if (line === undefined) break
      const formatted = this.#format(line)
      lines.push(formatted)
      length += formatted.length
    }
    return lines.length === 0 ? undefined : Buffer.concat(lines)
  }

  rest(): Buffer | undefined {
    const line = this.#text
    this.#text = Buffer.alloc(0)
    return line.length === 0 ? undefined : this.#format(line)
  }

  #nextLine(): Buffer | undefined {
    const text = this.#text
    const end = text.indexOf(NEWLINE)
    if (end >= 0 && end <= LONGEST_LINE) {
      this.#text = text.subarray(end + 1)
      return text.subarray(0, end)
    }
    if (text.length <= LONGEST_LINE) return undefined
    const cut = startOfCharacter(text, LONGEST_LINE)
    this.#text = text.subarray(cut)
    return text.subarray(0, cut)
  }
}

/** The position where the UTF-8 character at this position begins; the position itself if the text is not UTF-8. */
function startOfCharacter(text: Buffer, at: number): number {
  for (let start = at; start > at - 4; start -= 1) {
    if (((text[start] ?? 0) & 0xc0) !== 0x80) return start
  }
  return at
}

/** Formats a line, without its end, of a process with this pid. */
export type FormatLine = (line: Buffer, level: Level, pid: number) => Buffer
