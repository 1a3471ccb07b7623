/** Times in milliseconds. */
export interface BackOffRules {
  /** The wait after the second failure in a row; the first is answered at once. */
  first: number
  /** What the wait doubles up to. */
  most: number
  /** A process that was up for so long has served: what failed before it is forgotten. */
  reset: number
}

export const backOffRules: BackOffRules = { first: 200, most: 10_000, reset: 10_000 }

/** How long to wait before a process that ended unasked is replaced. */
export class BackOff {
  readonly #rules: BackOffRules
  /** Failures in a row. */
  failures = 0

  constructor(rules: BackOffRules = backOffRules) {
    this.#rules = rules
  }

  /** Counts the end of a process that was ready for so long, 0 for never, and returns the wait. */
  next(readyFor: number): number {
    const { first, most, reset } = this.#rules
    if (readyFor >= reset) this.failures = 0
    this.failures += 1
    // The exponent is bounded: 2 ** 1024 would be Infinity, and Infinity * 0 no number.
    const doubled = this.failures === 1 ? 0 : first * 2 ** Math.min(this.failures - 2, 30)
    return Math.min(doubled, most)
  }

  /** A reload has brought something new: what failed before says nothing about it. */
  forget(): void {
    this.failures = 0
  }
}
