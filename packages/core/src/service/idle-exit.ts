import { afterPoll } from '../base/after-poll.ts'

/** A server whose connections are counted. */
export interface Watched {
  /** How many are open. */
  readonly connections: number
  /** Called when the last connection has closed. */
  onEmpty: (() => void) | undefined
}

/**
 * Calls back when a server has had no connection for `after` milliseconds. The only cost is a look at the
 * clock when the last connection closes.
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

  /** The server has had no connection for that time. */
  get idle(): boolean {
    return this.#watched.connections === 0 && this.#left() <= 0
  }

  stop(): void {
    this.#watched.onEmpty = undefined
    clearTimeout(this.#timer)
  }

  // A timer may fire up to a millisecond early.
  #left(): number {
    return Math.floor(this.#since + this.#after - performance.now())
  }

  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined
      // While there are connections there is nothing to do: the last one to close starts a new wait.
      if (this.#watched.connections > 0) return
      const left = this.#left()
      if (left > 0) this.#timer = this.#wait(left)
      // Connections that wait in the queue are accepted first.
      else afterPoll(() => this.idle && this.#onIdle())
    }, ms).unref()
  }
}
