import type { Logger } from '@socket-port/core'
import { plainText } from '@socket-port/core/supervisor'
import type { OwnOutput } from './own-output.ts'

/** Reports events on stderr, and to every client that waits for a reload. */
export class Reporter {
  readonly #stderr: Pick<OwnOutput, 'write'>
  readonly #listeners = new Set<(line: string) => void>()

  readonly logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: (message) => this.#write(`warning: ${message}`),
    error: (message) => this.#write(`error: ${message}`),
  }

  constructor(stderr: Pick<OwnOutput, 'write'>) {
    this.#stderr = stderr
  }

  report(message: string): void {
    this.#write(message)
    for (const listener of this.#listeners) listener(message)
  }

  /** Reports to `listener` too, until the returned function is called. */
  listen(listener: (line: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #write(message: string): void {
    // A message may quote the output of a process, which may contain control characters.
    this.#stderr.write(`socket-port: ${plainText(message)}\n`)
  }
}
