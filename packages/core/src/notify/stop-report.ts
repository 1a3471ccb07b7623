import { statusText } from './message.ts'
import type { Notifier, NotifyFields } from './notifier.ts'

const INTERVAL = 1_000

// Each message asks for this much time: several intervals, since a busy event loop may be late.
const AHEAD = 'EXTEND_TIMEOUT_USEC'
const AHEAD_MICROSECONDS = 5_000_000

/**
 * Reports a shutdown to the manager: STOPPING=1 first, then once a second what is left to do and a
 * request for more time, until the process's own deadline.
 */
export class StopReport {
  readonly #notifier: Notifier
  #left: () => string = () => ''
  #until = 0
  #lastStatus = ''
  #timer: NodeJS.Timeout | undefined

  constructor(sender: Notifier) {
    this.#notifier = sender
  }

  /** Reports `left()` from now on, and asks for more time for at most `limit` milliseconds. */
  phase(limit: number, left: () => string): void {
    const begins = this.#timer === undefined
    this.#left = left
    this.#until = performance.now() + limit
    // A blocked event loop sends nothing, so that the manager's own time-out ends the process.
    this.#timer ??= setInterval(() => this.#tick(), INTERVAL).unref()
    if (begins) this.#notifier.post({ STOPPING: 1, ...this.#status(), [AHEAD]: AHEAD_MICROSECONDS })
  }

  /** Stops reporting. */
  end(): void {
    clearInterval(this.#timer)
    this.#notifier.flush()
  }

  #tick(): void {
    if (performance.now() <= this.#until)
      this.#notifier.post({ ...this.#status(), [AHEAD]: AHEAD_MICROSECONDS })
  }

  #status(): NotifyFields {
    const text = statusText(this.#left())
    if (text === this.#lastStatus) return {}
    this.#lastStatus = text
    return { STATUS: text }
  }
}
