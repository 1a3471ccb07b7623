/** The connections of a server, as far as it matters whether there are any. */
export interface Watched {
  /** How many are open. */
  readonly connections: number
  /** Set here: the last one has closed. */
  onEmpty: (() => void) | undefined
}

/**
 * Tells when a server has had no connection for so long (milliseconds). Costs nothing for a
 * connection but a look at the clock when the last one closes.
 */
export class IdleWatch {
  readonly #watched: Watched
  readonly #after: number
  readonly #onIdle: () => void
  #since: number = performance.now()
  #timer: NodeJS.Timeout | undefined

  constructor(watched: Watched, after: number, onIdle: () => void) {
    this.#watched = watched
    this.#after = after
    this.#onIdle = onIdle
    const begin = (): void => {
      this.#since = performance.now()
      this.#timer ??= this.#wait(after)
    }
    watched.onEmpty = begin
    begin()
  }

  /** It has had none for so long, up to now. */
  get idle(): boolean {
    return this.#watched.connections === 0 && this.#left() <= 0
  }

  stop(): void {
    this.#watched.onEmpty = undefined
    clearTimeout(this.#timer)
  }

  // A timer may fire within the millisecond before its time.
  #left(): number {
    return Math.floor(this.#since + this.#after - performance.now())
  }

  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined
      // While there are connections, nothing: the last one to close begins anew.
      if (this.#watched.connections > 0) return
      const left = this.#left()
      if (left > 0) this.#timer = this.#wait(left)
      // Timers run before the loop polls: who waits in the queue already is accepted first.
      else setImmediate(() => this.idle && this.#onIdle())
    }, ms).unref()
  }
}
