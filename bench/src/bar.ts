/** A number that a benchmark must not miss. */
export interface Bar {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly digits: number
  readonly limit: { atLeast: number } | { lessThan: number } | { exactly: number }
}

/** NaN, which is what no samples give, holds no bar. */
export function holds({ value, limit }: Bar): boolean {
  if ('atLeast' in limit) return value >= limit.atLeast
  if ('lessThan' in limit) return value < limit.lessThan
  return value === limit.exactly
}

/** `holds  cold listen: +0.21 ms (bar: less than 1 ms)` */
export function describeBar(bar: Bar): string {
  const { what, value, unit, digits, limit } = bar
  const show = (number: number): string => `${number.toFixed(digits)}${unit}`
  const [must, bound] =
    'atLeast' in limit
      ? ['at least', limit.atLeast]
      : 'lessThan' in limit
        ? ['less than', limit.lessThan]
        : ['exactly', limit.exactly]
  // Digits enough that a narrow miss does not look like the bar itself.
  const by = `; missed by ${Math.abs(value - bound).toFixed(digits + 2)}${unit}`
  const verdict = holds(bar) ? 'holds ' : 'MISSED'
  const missed = holds(bar) ? '' : by
  return `${verdict} ${what}: ${show(value)} (bar: ${must} ${bound}${unit}${missed})`
}
