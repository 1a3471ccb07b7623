import type { Estimate } from './statistics.ts'

/** A number that a benchmark must not miss. */
export interface Bar {
  readonly what: string
  /** What was measured: its median counts. */
  readonly found: Estimate
  readonly unit: string
  readonly digits: number
  readonly limit: Limit
}

type Limit = { atLeast: number } | { lessThan: number } | { exactly: number }

/** Whether the bar is kept. NaN, the median of no samples, misses every bar. */
export const holds = ({ found, limit }: Bar): boolean => within(found.median, limit)

/** `holds  cold listen, call: 0.21 ms (bar: less than 1 ms)` */
export function describeBar(bar: Bar): string {
  const { what, found, unit, digits, limit } = bar
  const [must, bound] =
    'atLeast' in limit
      ? ['at least', limit.atLeast]
      : 'lessThan' in limit
        ? ['less than', limit.lessThan]
        : ['exactly', limit.exactly]
  const line = `${what}: ${found.median.toFixed(digits)}${unit} (bar: ${must} ${bound}${unit}`
  if (holds(bar)) return `holds  ${line})`
  // One digit more, so that a narrow miss does not look like 0.
  const by = Math.abs(found.median - bound).toFixed(digits + 1)
  const unsure =
    within(found.low, limit) || within(found.high, limit)
      ? '; the 95 % interval reaches it: measure again on a quieter machine'
      : ''
  return `MISSED ${line}; missed by ${by}${unit}${unsure})`
}

function within(value: number, limit: Limit): boolean {
  if ('atLeast' in limit) return value >= limit.atLeast
  if ('lessThan' in limit) return value < limit.lessThan
  return value === limit.exactly
}
