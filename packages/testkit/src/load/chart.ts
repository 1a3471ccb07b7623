import type { TracedRequest } from './result.ts'

/** A restart as a terminal shows it: a character for each span of time. */
export interface Chart {
  /** On the clock of the requests. */
  readonly restartAt: number
  /** Milliseconds that are shown before the restart and after it. */
  readonly before: number
  readonly after: number
  /** How many characters. */
  readonly width: number
  /** The latency in milliseconds at which a bar has its full height. */
  readonly highest: number
}

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const
const FAILED = '×'

/**
 * Returns a line of characters. Each stands for the requests that clients wanted to send in its span of time: a bar as high
 * as the slowest of them took, `×` if one failed, a space if there was none. `│` stands where the restart began.
 */
export function drawChart(requests: readonly TracedRequest[], chart: Chart): string {
  const { restartAt, before, after, width, highest } = chart
  const start = restartAt - before
  const span = (before + after) / width
  const columns = Array.from({ length: width }, () => ' ')
  const slowest = new Float64Array(width)
  for (const { at, ms, failed } of requests) {
    const column = Math.floor((at - start) / span)
    if (column < 0 || column >= width || columns[column] === FAILED) continue
    slowest[column] = Math.max(slowest[column] ?? 0, ms)
    columns[column] = failed ? FAILED : bar((slowest[column] ?? 0) / highest)
  }
  columns.splice(Math.floor(before / span), 0, '│')
  return columns.join('')
}

const bar = (share: number): string =>
  BARS[Math.min(BARS.length - 1, Math.max(0, Math.ceil(share * BARS.length) - 1))] ?? FAILED

/** Returns the start of the restart after which the most requests failed within `after` milliseconds, else of that with the longest wait. */
export function worstRestart(
  requests: readonly TracedRequest[],
  restartTimes: readonly number[],
  after: number,
): number | undefined {
  const harm = (start: number): [failed: number, longest: number] => {
    const near = requests.filter(({ at, ms }) => at + ms >= start && at < start + after)
    const longest = near.reduce((most, { ms }) => Math.max(most, ms), 0)
    return [near.filter(({ failed }) => failed).length, longest]
  }
  return restartTimes
    .map((start) => ({ start, harm: harm(start) }))
    .sort((one, other) => other.harm[0] - one.harm[0] || other.harm[1] - one.harm[1])[0]?.start
}
