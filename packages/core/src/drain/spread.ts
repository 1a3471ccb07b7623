import { afterPoll } from '../base/after-poll.ts'

/** The time between two groups, in milliseconds. */
const INTERVAL = 20

/** All functions are called in at least this many groups, unless the time is too short for them. */
const LEAST_GROUPS = 10

/**
 * Calls functions in groups that are spread over a time. Each one ends a connection whose client comes back at
 * once: if all ended in one tick, all clients would come back in one tick too.
 */
export class Spread {
  readonly #longest: number
  readonly #waiting = new Map<object, () => void>()
  #state: 'held' | 'resting' | 'running' | 'stopped' = 'held'
  /** Of the functions that are spread now: when the first group was due, how many they are, and how many were called. */
  #began = 0
  #total = 0
  #called = 0
  #timer: NodeJS.Timeout | undefined

  /**
   * `longest`: milliseconds from the first group to the last; 0: all at once. A few functions, one every 20 ms, take
   * less.
   */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** Allows the first group. */
  begin(): void {
    if (this.#state !== 'held') return
    this.#state = 'resting'
    this.#run()
  }

  /** Calls `end` when it is due, but never in this turn of the event loop. */
  add(key: object, end: () => void): void {
    if (this.#state === 'stopped') return
    this.#waiting.set(key, end)
    if (this.#state === 'running') this.#spreadAnew()
    this.#run()
  }

  /** Does not call the function of this key any more. */
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
    // All that are added in this turn of the event loop are spread together.
    afterPoll(() => this.#first())
  }

  #first(): void {
    if (this.#state !== 'running') return
    this.#spreadAnew()
    this.#timer = setInterval(() => this.#next(), INTERVAL)
    this.#next()
  }

  #spreadAnew(): void {
    this.#began = performance.now()
    this.#total = this.#waiting.size
    this.#called = 0
  }

  #next(): void {
    for (const [key, end] of [...this.#waiting].slice(0, this.#due)) {
      this.#called += 1
      this.#waiting.delete(key)
      end()
    }
    if (this.#waiting.size > 0 || this.#state === 'stopped') return
    clearInterval(this.#timer)
    this.#state = 'resting'
  }

  /** How many are due now. A group makes up for a timer that was late, but is no more than a tenth of all. */
  get #due(): number {
    const time = Math.min(this.#longest, this.#total * INTERVAL)
    const passed = performance.now() - this.#began + INTERVAL
    const due = time === 0 ? this.#total : Math.ceil((this.#total * passed) / time) - this.#called
    const groups = Math.min(LEAST_GROUPS, Math.max(1, Math.floor(time / INTERVAL)))
    const share = this.#total / groups
    const most = groups === LEAST_GROUPS ? Math.floor(share) : Math.ceil(share)
    return Math.max(1, Math.min(due, most))
  }
}
