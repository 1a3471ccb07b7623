/** The clock of the supervisor; tests pass a fake one. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  now(): number
  /** Calls back once after `ms` milliseconds; returns a function that cancels it. */
  after(ms: number, callback: () => void): () => void
}

// setTimeout fires at once for any longer time. A process may ask for one (EXTEND_TIMEOUT_USEC).
const LONGEST = 2 ** 31 - 1

export const realClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, LONGEST))
    return () => clearTimeout(timer)
  },
}
