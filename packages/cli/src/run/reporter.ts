import type { Logger } from '@socket-port/core'

/** Tells people what happens: on stderr, and whoever waits for a reload. */
export class Reporter {
  readonly #listeners = new Set<(line: string) => void>()

  readonly logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: (message) => this.#write(`warning: ${message}`),
    error: (message) => this.#write(`error: ${message}`),
  }

  report(message: string): void {
    this.#write(message)
    for (const listener of this.#listeners) listener(message)
  }

  /** Tells each message to `listener` too, until the returned function is called. */
  listen(listener: (line: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #write(message: string): void {
    process.stderr.write(`socket-port: ${message}\n`)
  }
}
