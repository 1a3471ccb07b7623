import { Socket } from 'node:net'
import { openPipe } from '@socket-port/core/supervisor'
import type { Pieces } from '../output/lines.ts'
import type { OwnOutput } from '../output/own-output.ts'

// About one screen.
const MOST_LINES = 20
const MOST_CHARACTERS = 8_192
// Milliseconds. After a process has ended, another one may hold its output open.
const CLOSE_TIMEOUT = 200

// The first line of an uncaught error, such as `SocketPortError: cannot listen on …`. Its stack and its cause follow.
const isHeadline = (line: string): boolean =>
  /^(Uncaught )?[\w.]*(Error|Exception)\b.*: ./.test(line)

/** Keeps the last lines of a growing text. If they are only the stack of an error, the first line of the error is kept too. */
export class Tail {
  #text = ''

  add(text: string): void {
    this.#text = (this.#text + text).slice(-MOST_CHARACTERS)
  }

  toString(): string {
    const lines = this.#text.split('\n')
    const last = lines.slice(-MOST_LINES - 1)
    const text = last.join('\n').trimEnd()
    if (last.some(isHeadline)) return text
    const headline = lines.slice(0, -last.length).findLast(isHeadline)
    return headline === undefined ? text : `${headline}\n…\n${text}`
  }
}

/** Splits a text that arrives in pieces into lines. */
export class Lines {
  #rest = ''

  add(text: string): string[] {
    const lines = (this.#rest + text).split('\n')
    // A line that never ends must not fill the memory.
    this.#rest = (lines.pop() ?? '').slice(-MOST_CHARACTERS)
    return lines
  }
}

/** The pipe for one output stream of a child. */
export interface Output {
  /** The end for the child. The caller closes it once the child has it. */
  writeEnd: number
  /** Call it when the child has ended. Resolves when all its output was read, or after {@link CLOSE_TIMEOUT}. */
  read(): Promise<void>
}

/**
 * Opens a pipe, and passes its text to `printed`, and to `to` in these pieces. While `to` has no room, the pipe is
 * not read, so its writers wait.
 */
export function openOutput(
  to: Pick<OwnOutput, 'write'>,
  pieces: Pieces,
  printed: (text: string) => void,
): Output {
  const { readEnd, writeEnd } = openPipe()
  const stream = new Socket({ fd: readEnd, readable: true, writable: false })
  let hasEnded = false
  const pass = (): void => {
    for (let piece = pieces.next(); piece !== undefined; piece = pieces.next()) {
      const room = to.write(piece)
      // After the process has ended, at most the content of the pipe is left.
      if (room === undefined || hasEnded) continue
      stream.pause()
      void room.then(pass)
      return
    }
    stream.resume()
  }
  stream.on('data', (bytes: Buffer) => {
    pieces.add(bytes)
    pass()
    printed(bytes.toString())
  })
  // A pipe that cannot be read counts as finished.
  stream.on('error', () => {})
  stream.once('close', () => {
    const rest = pieces.rest()
    if (rest !== undefined) to.write(rest)
  })
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  return {
    writeEnd,
    async read() {
      hasEnded = true
      pass()
      const timer = setTimeout(() => stream.destroy(), CLOSE_TIMEOUT)
      await closed
      clearTimeout(timer)
    },
  }
}
