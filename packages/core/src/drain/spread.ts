import { afterPoll } from '../base/after-poll.ts'

/** The time between two batches, in milliseconds. */
const INTERVAL = 20

/**
 * Calls functions in batches that are spread over a time. Each one ends a connection whose client comes back at
 * once: if all ended in one tick, all clients would come back in one tick too.
 */
export class Spread {
  readonly #longest: number
  readonly #waiting = new Map<object, () => void>()
  #state: 'held' | 'resting' | 'running' | 'stopped' = 'held'
  #batch = 0
  #timer: NodeJS.Timeout | undefined

  /** `longest`: milliseconds from the first batch to the last; 0: all at once. One each 20 ms takes less for few. */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** Allows the first batch. */
  begin(): void {
    if (this.#state !== 'held') return
    this.#state = 'resting'
    this.#run()
  }

  /** Calls `end` when its turn comes, but never in this turn of the event loop. */
  add(key: object, end: () => void): void {
    if (this.#state === 'stopped') return
    this.#waiting.set(key, end)
    this.#run()
  }

  /** Its turn need not come any more. */
  delete(key: object): void {
    this.#waiting.delete(key)
  }

  stop(): void {
    this.#state = 'stopped'
    this.#waiting.clear()
    clearInterval(this.#timer)
  }

  #run(): void {
    if (this.#state !== 'resting' || this.#waiting.size === 0) return
    this.#state = 'running'
    // All that are added in this turn of the event loop count for the size of a batch.
    afterPoll(() => this.#first())
  }

  #first(): void {
    if (this.#state !== 'running') return
    this.#batch = 0
    this.#timer = setInterval(() => this.#next(), INTERVAL)
    this.#next()
  }

  // Only further functions make a batch larger, and a timer that is late does not.
  #next(): void {
    const batches = Math.floor(this.#longest / INTERVAL) + 1
    this.#batch = Math.max(this.#batch, Math.ceil(this.#waiting.size / batches))
    let left = this.#batch
    for (const [key, end] of this.#waiting) {
      if (left === 0) return
      left -= 1
      this.#waiting.delete(key)
      end()
    }
    if (this.#waiting.size > 0 || this.#state === 'stopped') return
    clearInterval(this.#timer)
    this.#state = 'resting'
  }
}
