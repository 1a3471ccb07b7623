import { drawChart, type TracedRequest, worstRestart } from '@socket-port/testkit'
import { describe, expect, test } from 'vitest'

const CHART = { restartAt: 1_000, before: 20, after: 40, width: 6, highest: 80 }
const request = (at: number, ms: number, failed = false): TracedRequest => ({ at, ms, failed })

describe('the chart of a restart', () => {
  test('has a bar for the slowest request of each span, and marks the restart', () => {
    const requests = [
      request(980, 5),
      request(989, 30),
      request(990, 80),
      request(1_000, 500),
      request(1_010, 0),
      request(1_039, 41),
    ]
    expect(drawChart(requests, CHART)).toBe('▃█│█▁ ▅')
  })

  test('marks a span in which a request failed, whatever else there was', () => {
    const requests = [request(1_001, 70), request(1_002, 1, true), request(1_003, 75)]
    expect(drawChart(requests, CHART)).toBe('  │×   ')
  })

  test('leaves out what was before and after', () => {
    expect(drawChart([request(979.9, 9), request(1_040, 9, true)], CHART)).toBe('  │    ')
  })

  test('shows the restart with the most failed requests, else with the longest wait', () => {
    const requests = [request(100, 90), request(200, 1, true), request(300, 5)]
    expect(worstRestart(requests, [95, 195, 295], 50)).toBe(195)
    expect(worstRestart(requests.slice(2).concat(request(100, 90)), [95, 295], 50)).toBe(95)
    expect(worstRestart(requests, [], 50)).toBeUndefined()
  })
})
