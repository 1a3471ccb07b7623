import { LONGEST_TIMEOUT } from '../base/longest-timeout.ts'

/** The clock of the supervisor; tests pass a fake one. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  now(): number
  /** Calls back once after `ms` milliseconds; returns a function that cancels it. */
  after(ms: number, callback: () => void): () => void
}

export const realClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    // A process may ask for a longer time (EXTEND_TIMEOUT_USEC).
    const timer = setTimeout(callback, Math.min(ms, LONGEST_TIMEOUT))
    return () => clearTimeout(timer)
  },
}
