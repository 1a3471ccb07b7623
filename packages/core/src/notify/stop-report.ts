import { statusText } from './message.ts'
import { type Notifier, type NotifyFields, notifier } from './notifier.ts'

const INTERVAL = 1_000

// How long the manager waits for the next word: several intervals, for a loop that is busy.
const AHEAD = 'EXTEND_TIMEOUT_USEC'
const AHEAD_MICROSECONDS = 5_000_000

/**
 * What the manager hears of a shutdown: STOPPING=1, then, once a second, what is left, and that the
 * process needs more time, for as long as it keeps within the limits that it has set itself.
 */
export class StopReport {
  readonly #voice: Notifier
  #left: () => string = () => ''
  #until = 0
  #said = ''
  #timer: NodeJS.Timeout | undefined

  constructor(voice: Notifier = notifier()) {
    this.#voice = voice
  }

  /** Tells what is left from now on; after `limit` milliseconds no more time is asked for. */
  phase(limit: number, left: () => string): void {
    const begins = this.#timer === undefined
    this.#left = left
    this.#until = performance.now() + limit
    // An event loop that is blocked asks for nothing, and the manager's own time-out ends it.
    this.#timer ??= setInterval(() => this.#tick(), INTERVAL).unref()
    if (begins) this.#post({ STOPPING: 1, ...this.#status(), [AHEAD]: AHEAD_MICROSECONDS })
  }

  /** Nothing more is said. */
  end(): void {
    clearInterval(this.#timer)
    this.#voice.flush()
  }

  #tick(): void {
    if (performance.now() <= this.#until)
      this.#post({ ...this.#status(), [AHEAD]: AHEAD_MICROSECONDS })
  }

  #status(): NotifyFields {
    const text = statusText(this.#left())
    if (text === this.#said) return {}
    this.#said = text
    return { STATUS: text }
  }

  #post(fields: NotifyFields): void {
    this.#voice.post(fields)
  }
}
