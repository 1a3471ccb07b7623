import type { Logger } from '../base/types.ts'
import { type Draining, drainStatus } from './connections-left.ts'

/** The first report comes so many milliseconds after the start of a drain: a drain that ends sooner reports nothing. */
export const FIRST_REPORT = 100

const INTERVAL = 5_000

/** Logs what a drain waits for: soon after it has begun, and then every five seconds. */
export class DrainProgress {
  readonly #servers: readonly Draining[]
  readonly #deadline: number
  readonly #timers: readonly NodeJS.Timeout[]

  /** `timeout`: milliseconds from now to the deadline of the drain. */
  constructor(servers: readonly Draining[], timeout: number, logger: Logger) {
    this.#servers = servers
    this.#deadline = performance.now() + timeout
    this.#timers = [
      setTimeout(() => logger.debug(this.status), FIRST_REPORT).unref(),
      // A short drain is reported in one line, by its result.
      setInterval(() => logger.info(this.status), INTERVAL).unref(),
    ]
  }

  /** One line, for the log and for the manager. */
  get status(): string {
    return drainStatus(this.#servers, this.#deadline - performance.now())
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }
}
