import { LONGEST_TIMEOUT } from '../base/validate.ts'

/** Sends keep-alives from the event loop, so that a blocked event loop sends none and the manager notices. */
export class Watchdog {
  readonly #beat: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(beat: () => void) {
    this.#beat = beat
  }

  /**
   * Sends one keep-alive now and further ones at half of `timeout` (milliseconds), as
   * sd_watchdog_enabled(3) advises. A second call replaces the time-out of the first.
   */
  start(timeout: number): void {
    clearInterval(this.#timer)
    const interval = Math.min(Math.max(1, Math.floor(timeout / 2)), LONGEST_TIMEOUT)
    // Unref the timer: the watchdog must not keep the process running.
    this.#timer = setInterval(this.#beat, interval).unref()
    this.#beat()
  }
}
