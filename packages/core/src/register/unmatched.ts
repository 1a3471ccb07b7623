import type { AnyServer, Logger } from '../base/types.ts'

// A program may let a server for metrics listen first, and connect to its database before the next one listens.
const PATIENCE = 2_000

/**
 * Warns once if servers listen and none has asked for a socket of the manager, a while after the first one, or when
 * the process ends.
 */
export class Unmatched {
  readonly #logger: Logger
  readonly #asked: string[] = []
  #kept: readonly string[] = []
  /** No warning is needed any more. */
  isOver = false
  #timer: NodeJS.Timeout | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** The server has asked for another address than the kept sockets have. */
  add(server: AnyServer, asked: string, kept: readonly string[]): void {
    if (this.isOver) return
    server.once('listening', () => {
      if (this.isOver) return
      this.#asked.push(asked)
      this.#kept = kept
      this.#timer ??= setTimeout(this.#warn, PATIENCE).unref()
      if (this.#asked.length === 1) process.once('exit', this.#warn)
    })
  }

  /** A server has got a socket, or the warning was written. */
  end(): void {
    this.isOver = true
    clearTimeout(this.#timer)
    process.off('exit', this.#warn)
  }

  readonly #warn = (): void => {
    this.end()
    const kept = this.#kept.join(', ')
    this.#logger.warn(
      `the program asked for ${this.#asked.join(', ')}, but the manager keeps ${kept}, which no server has taken. ` +
        'Make the two agree. Where the program chooses another port because its own seems busy, set ' +
        'SOCKET_PORT_REGISTER_TAKE=first: then its first HTTP server gets the first socket',
    )
  }
}
