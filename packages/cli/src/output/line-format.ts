import { jsonOf } from '../base/io.ts'
import type { Level } from '../base/level.ts'
import type { FormatLine } from './lines.ts'

export interface LineFormatOptions {
  /** Begin each line of a process with the number of its worker. */
  prefix: boolean
  /** Begin each line with the time. */
  timestamps: boolean
  logFormat: 'text' | 'json'
  /** Colours a line of `run` itself; absent where it goes to no terminal. */
  colour?: ((prefix: string, message: string, level: Level) => string) | undefined
}

/** A line of JSON (`--log-format json`). */
export interface JsonLine {
  /** ISO 8601, in UTC. */
  time: string
  /** Of a process: `info` for its stdout, `error` for its stderr. */
  level: Level
  /** `null` for a line of `socket-port run` itself. */
  worker: number | null
  pid: number
  generation: number | null
  text: string
}

// How a line of text shows its level.
const LEVELS = { info: '', warn: 'warning: ', error: 'error: ' } as const

/** Formats the lines that `run` writes: its own, and those of its processes. */
export class LineFormat {
  /** False: the output of the processes is passed on as it is. */
  readonly isByLine: boolean
  readonly isJson: boolean
  readonly #options: LineFormatOptions
  readonly #now: () => Date

  constructor(options: LineFormatOptions, now: () => Date = () => new Date()) {
    const { prefix, timestamps, logFormat } = options
    this.#options = options
    this.#now = now
    this.isJson = logFormat === 'json'
    this.isByLine = prefix || timestamps || this.isJson
  }

  /** A line of `socket-port run`. `'hide level'`: the message itself shows how serious it is. JSON always has the level. */
  own(message: string, level: Level, shown: 'show level' | 'hide level'): string {
    if (this.isJson) {
      return this.#json(message, level, { worker: null, pid: process.pid, generation: null })
    }
    const prefix = `socket-port: ${shown === 'show level' ? LEVELS[level] : ''}`
    return `${this.#time()}${this.#options.colour?.(prefix, message, level) ?? prefix + message}\n`
  }

  /** Returns how to format a line of the process in this place; `undefined` if its output is passed on as it is. */
  ofProcess(place: { worker: number; generation: number }): FormatLine | undefined {
    if (!this.isByLine) return undefined
    const { worker, generation } = place
    if (this.isJson) {
      return (line, level, pid) => {
        const text = line.toString().replace(/\r$/, '')
        return Buffer.from(this.#json(text, level, { worker, pid, generation }))
      }
    }
    const prefix = this.#options.prefix ? `[${worker}] ` : ''
    // Keep the bytes: the line may not be UTF-8.
    return (line) => Buffer.concat([Buffer.from(this.#time() + prefix), line, NEWLINE])
  }

  #time(): string {
    return this.#options.timestamps ? `${this.#now().toISOString()} ` : ''
  }

  #json(
    text: string,
    level: Level,
    { worker, pid, generation }: Pick<JsonLine, 'worker' | 'pid' | 'generation'>,
  ): string {
    const time = this.#now().toISOString()
    const line: JsonLine = { time, level, worker, pid, generation, text }
    return `${jsonOf(line)}\n`
  }
}

const NEWLINE = Buffer.from('\n')
