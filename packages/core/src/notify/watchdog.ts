// setInterval fires at once for anything longer.
const LONGEST_INTERVAL = 2 ** 31 - 1

/** Keep-alives from the event loop: while it is blocked there are none, and the manager notices. */
export class Watchdog {
  readonly #beat: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(beat: () => void) {
    this.#beat = beat
  }

  /**
   * Beats now and then at half of the manager's time-out (milliseconds), as sd_watchdog_enabled(3)
   * advises; again, with another time-out, in place of the one before.
   */
  start(timeout: number): void {
    clearInterval(this.#timer)
    const interval = Math.min(Math.max(1, Math.floor(timeout / 2)), LONGEST_INTERVAL)
    // A watchdog must not be what keeps the process alive.
    this.#timer = setInterval(this.#beat, interval).unref()
    this.#beat()
  }
}
