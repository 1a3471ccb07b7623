/** A median, and the interval that holds the true one with 95 % confidence. */
export interface Estimate {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** Estimates the median by ranks, without an assumption about the distribution of the samples. */
export function estimate(samples: readonly number[]): Estimate {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  // Half the width in ranks, from the normal approximation of the binomial distribution.
  const reach = 0.98 * Math.sqrt(sorted.length)
  return {
    median: at(sorted, middle),
    low: at(sorted, Math.max(0, Math.floor(middle - reach))),
    high: at(sorted, Math.min(sorted.length - 1, Math.ceil(middle + reach))),
  }
}

/** The estimate of a value that was counted, not sampled. */
export const exact = (value: number): Estimate => ({ median: value, low: value, high: value })

export const median = (samples: readonly number[]): number => estimate(samples).median

/** a/b, pair by pair: whatever slowed both down cancels out. */
export const ratios = (a: readonly number[], b: readonly number[]): number[] =>
  a.map((value, index) => value / (b[index] ?? Number.NaN))

/** The estimate of a-b, round by round. */
export function difference(a: readonly number[], b: readonly number[]): Estimate {
  return estimate(a.map((value, round) => value - (b[round] ?? Number.NaN)))
}

/** NaN without samples. */
function at(sorted: readonly number[], rank: number): number {
  const below = sorted[Math.floor(rank)] ?? Number.NaN
  const above = sorted[Math.ceil(rank)] ?? Number.NaN
  return (below + above) / 2
}
