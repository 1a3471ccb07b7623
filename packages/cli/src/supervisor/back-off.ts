/** Times in milliseconds. */
export interface BackOffRules {
  /** The wait after the second failure in a row. After the first there is no wait. */
  first: number
  /** The longest wait: waits double up to it. */
  most: number
  /** A process that was ready for this long resets the count of failures. */
  reset: number
}

export const backOffRules: BackOffRules = { first: 200, most: 10_000, reset: 10_000 }

/** How long to wait before a process that crashed is started again. */
export class BackOff {
  readonly #rules: BackOffRules
  /** Failures in a row. */
  failures = 0

  constructor(rules: BackOffRules = backOffRules) {
    this.#rules = rules
  }

  /** Counts a crash of a process that was ready for `readyFor` milliseconds (0: never), and returns the wait. */
  next(readyFor: number): number {
    const { first, most, reset } = this.#rules
    if (readyFor >= reset) this.failures = 0
    this.failures += 1
    // Bound the exponent: 2 ** 1024 is Infinity, and Infinity * 0 is NaN.
    const doubled = this.failures === 1 ? 0 : first * 2 ** Math.min(this.failures - 2, 30)
    return Math.min(doubled, most)
  }

  /** Resets the count: after a reload, earlier failures no longer matter. */
  forget(): void {
    this.failures = 0
  }
}
