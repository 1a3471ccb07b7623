import { Socket } from 'node:net'
import { openPipe } from '@socket-port/core/supervisor'
import type { OwnOutput } from '../output/own-output.ts'

// As much as a screen shows.
const MOST_LINES = 20
const MOST_CHARACTERS = 8_192
// A process that has ended may have left its output to others, which hold it open.
const LAST_OUTPUT = 200

// `SocketPortError: cannot listen on …`: what an uncaught error says, before its stack and its cause.
const isHeadline = (line: string): boolean =>
  /^(Uncaught )?[\w.]*(Error|Exception)\b.*: ./.test(line)

/** The last lines of a text that keeps growing, and the error before them if they are but its stack. */
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

/** Cuts a text that comes in pieces into lines. */
export class Lines {
  #rest = ''

  add(text: string): string[] {
    const lines = (this.#rest + text).split('\n')
    // A line without an end must not fill the memory.
    this.#rest = (lines.pop() ?? '').slice(-MOST_CHARACTERS)
    return lines
  }
}

/** One stream of a child's output, on its way to one of ours. */
export interface Output {
  /** For the child; to be closed here once the child has it. */
  writeEnd: number
  /** Resolves when everything has been read; with no writer left, or soon after `ended`. */
  read(): Promise<void>
}

/**
 * Opens a pipe; what comes through is copied to `to` and told to `heard`. While `to` has no room the
 * pipe is not read, so that its writers wait.
 */
export function openOutput(to: Pick<OwnOutput, 'write'>, heard: (text: string) => void): Output {
  const { readEnd, writeEnd } = openPipe()
  const stream = new Socket({ fd: readEnd, readable: true, writable: false })
  let hasEnded = false
  stream.on('data', (bytes: Buffer) => {
    const room = to.write(bytes)
    heard(bytes.toString())
    // What a process has left behind when it ends is at most what the pipe holds.
    if (room === undefined || hasEnded) return
    stream.pause()
    void room.then(() => stream.resume())
  })
  // A pipe that cannot be read ends as one that is finished.
  stream.on('error', () => {})
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  return {
    writeEnd,
    async read() {
      hasEnded = true
      stream.resume()
      const timer = setTimeout(() => stream.destroy(), LAST_OUTPUT)
      await closed
      clearTimeout(timer)
    },
  }
}
