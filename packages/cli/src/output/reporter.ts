import type { Logger } from '@socket-port/core'
import { plainText } from '@socket-port/core/supervisor'
import type { Level } from '../base/level.ts'
import type { LineFormat } from './line-format.ts'
import type { OwnOutput } from './own-output.ts'

/** Reports events on stderr, and to every client that waits for a reload. */
export class Reporter {
  readonly #stderr: Pick<OwnOutput, 'write'>
  readonly #format: LineFormat
  readonly #listeners = new Set<(line: string) => void>()

  readonly logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: (message) => this.#write(message, 'warn', 'show level'),
    error: (message) => this.#write(message, 'error', 'show level'),
  }

  constructor(stderr: Pick<OwnOutput, 'write'>, format: LineFormat) {
    this.#stderr = stderr
    this.#format = format
  }

  report(message: string, level: Level = 'info'): void {
    this.#write(message, level, 'hide level')
    for (const listener of this.#listeners) listener(message)
  }

  /** Reports to `listener` too, until the returned function is called. */
  listen(listener: (line: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #write(message: string, level: Level, shown: 'show level' | 'hide level'): void {
    // A message may quote the output of a process, which may contain control characters.
    this.#stderr.write(this.#format.own(plainText(message), level, shown))
  }
}
