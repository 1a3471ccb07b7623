import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Spread } from './spread.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Adds so many functions. Returns how many were called at each time, in milliseconds. */
function calls(spread: Spread, count: number): Map<number, number> {
  const began = performance.now()
  const called = new Map<number, number>()
  for (let index = 0; index < count; index += 1) {
    spread.add({}, () => {
      const at = performance.now() - began
      called.set(at, (called.get(at) ?? 0) + 1)
    })
  }
  return called
}

const sum = (called: Map<number, number>): number =>
  [...called.values()].reduce((total, each) => total + each, 0)

it.each([
  [2_000, 2_000],
  [10_000, 2_000],
  [2_000, 500],
])('%d are called over %d ms, never more than a tenth at once', async (count, longest) => {
  const spread = new Spread(longest)
  spread.begin()
  const called = calls(spread, count)
  await vi.runAllTimersAsync()
  expect(sum(called)).toBe(count)
  expect(Math.max(...called.values())).toBeLessThanOrEqual(count / 10)
  expect(Math.max(...called.keys())).toBeLessThanOrEqual(longest)
  expect(Math.max(...called.keys())).toBeGreaterThan(longest * 0.9)
})

it('few are called in less time, and a single one at once', async () => {
  const spread = new Spread(2_000)
  spread.begin()
  const called = calls(spread, 10)
  await vi.advanceTimersByTimeAsync(0)
  expect(sum(called)).toBe(1)
  await vi.runAllTimersAsync()
  expect(sum(called)).toBe(10)
  expect(Math.max(...called.keys())).toBe(180)
})

it('a busy event loop, whose timers are late, makes groups larger, and not the time longer', async () => {
  const { now } = performance
  // Each timer comes when three times its time has passed.
  vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) * 3)
  const spread = new Spread(2_000)
  spread.begin()
  const called = calls(spread, 2_000)
  await vi.runAllTimersAsync()
  vi.restoreAllMocks()
  expect(sum(called)).toBe(2_000)
  expect(Math.max(...called.values())).toBeLessThanOrEqual(200)
  expect(Math.max(...called.keys())).toBeLessThanOrEqual(2_000)
})

it('a time that is too short for tenths is not exceeded', async () => {
  const spread = new Spread(100)
  spread.begin()
  const called = calls(spread, 1_000)
  await vi.runAllTimersAsync()
  expect([...called.values()]).toEqual([200, 200, 200, 200, 200])
})

it('0 calls all in one tick', async () => {
  const spread = new Spread(0)
  spread.begin()
  const called = calls(spread, 2_000)
  await vi.runAllTimersAsync()
  expect([...called.values()]).toEqual([2_000])
})

it('many that are added while few are called take the whole time again, and not longer', async () => {
  const spread = new Spread(2_000)
  spread.begin()
  calls(spread, 5)
  await vi.advanceTimersByTimeAsync(20)
  const called = calls(spread, 2_000)
  await vi.runAllTimersAsync()
  expect(sum(called)).toBe(2_000)
  expect(Math.max(...called.values())).toBeLessThanOrEqual(200)
  expect(Math.max(...called.keys())).toBeLessThanOrEqual(2_040)
})

it('calls nothing before it begins, and nothing that was deleted or after it has stopped', async () => {
  const spread = new Spread(100)
  const [first, second, third] = [vi.fn(), vi.fn(), vi.fn()]
  spread.add(first, first)
  spread.add(second, second)
  await vi.runAllTimersAsync()
  expect(first).not.toHaveBeenCalled()
  spread.delete(first)
  spread.begin()
  expect(second).not.toHaveBeenCalled()
  await vi.runAllTimersAsync()
  expect(second).toHaveBeenCalledOnce()
  spread.add(third, third)
  spread.stop()
  await vi.runAllTimersAsync()
  expect(third).not.toHaveBeenCalled()
  expect(first).not.toHaveBeenCalled()
})
