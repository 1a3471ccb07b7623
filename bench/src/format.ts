import type { Estimate } from './statistics.ts'

/** Rows of cells as lines of text: the first column to the left, all others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column === 0 ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('   ')
  return rows.map(line).join('\n')
}

/** `(0.991 to 1.012)` */
export const interval = ({ low, high }: Estimate, digits: number): string =>
  `(${low.toFixed(digits)} to ${high.toFixed(digits)})`

/** `+0.21`: a difference, which has a sign. */
export const signed = (value: number, digits: number): string =>
  `${value < 0 ? '' : '+'}${value.toFixed(digits)}`
