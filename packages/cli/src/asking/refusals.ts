// Milliseconds. A program that asks in a loop must not fill the log.
const REPORT_EVERY = 10_000

/** Reports processes that were given no socket: the first one at once, and then one every ten seconds, with the number of the others. */
export class Refusals {
  readonly #report: (message: string) => void
  readonly #now: () => number
  #last = Number.NEGATIVE_INFINITY
  #unreported = 0

  constructor(report: (message: string) => void, now: () => number) {
    this.#report = report
    this.#now = now
  }

  add(who: string, reason: string): void {
    if (this.#now() - this.#last < REPORT_EVERY) {
      this.#unreported += 1
      return
    }
    const others =
      this.#unreported === 0 ? '' : ` (and ${this.#unreported} more since the last report)`
    this.#last = this.#now()
    this.#unreported = 0
    this.#report(`${who} asked for a socket and was given none: ${reason}${others}`)
  }
}
