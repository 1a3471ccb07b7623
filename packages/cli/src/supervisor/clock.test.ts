import { afterEach, expect, it, vi } from 'vitest'
import { realClock } from './clock.ts'

afterEach(() => vi.restoreAllMocks())

it('never calls back early because a time is too long for setTimeout', () => {
  const set = vi.spyOn(globalThis, 'setTimeout')
  const callback = (): void => {}
  // WATCHDOG_USEC of 30 days, and what a process may send as EXTEND_TIMEOUT_USEC.
  for (const ms of [2_592_000_000, 9_999_999_999_999]) {
    realClock.after(ms, callback)()
    expect(set).toHaveBeenLastCalledWith(callback, 2 ** 31 - 1)
  }
})
