import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../base/types.ts'
import { runHooks, type ShutdownHook } from './hooks.ts'

let errors: string[]
const logger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (message) => void errors.push(message),
}

beforeEach(() => {
  errors = []
  vi.useFakeTimers()
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const run = (...hooks: ShutdownHook[]): Promise<boolean> =>
  runHooks(
    hooks.map((hook) => ({ run: hook, timeout: 5_000 })),
    'SIGTERM',
    logger,
  )

describe('runHooks', () => {
  it('succeeds without hooks', async () => {
    expect(await run()).toBe(true)
  })

  it('runs one after the other, and tells each the reason', async () => {
    const events: string[] = []
    const succeeded = await run(
      async (reason) => {
        events.push(`first ${reason}`)
        await Promise.resolve()
        events.push('first ends')
      },
      (reason) => void events.push(`second ${reason}`),
    )
    expect(succeeded).toBe(true)
    expect(events).toEqual(['first SIGTERM', 'first ends', 'second SIGTERM'])
    expect(errors).toEqual([])
  })

  it.each<[string, ShutdownHook, RegExp]>([
    [
      'throws',
      function closeDatabase() {
        throw new Error('no connection')
      },
      /^the shutdown hook closeDatabase failed: Error: no connection\n +at .*; the next one runs$/s,
    ],
    [
      'rejects',
      async () => Promise.reject(new TypeError('bad pool')),
      /^the shutdown hook \(anonymous\) failed: TypeError: bad pool\n.*; the next one runs$/s,
    ],
    [
      'throws what is no error',
      () => {
        throw 'a string'
      },
      /^the shutdown hook \(anonymous\) failed: a string; the next one runs$/,
    ],
    [
      'throws nothing',
      () => Promise.reject(),
      /^the shutdown hook \(anonymous\) failed: undefined; the next one runs$/,
    ],
  ])('goes on when a hook %s', async (_, hook, message) => {
    const last = vi.fn()
    expect(await run(hook, last)).toBe(false)
    expect(last).toHaveBeenCalledExactlyOnceWith('SIGTERM')
    expect(errors).toEqual([expect.stringMatching(message)])
  })

  it('runs the next hook when one takes too long', async () => {
    const last = vi.fn()
    const succeeded = run(() => new Promise(() => {}), last)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(last).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(await succeeded).toBe(false)
    expect(last).toHaveBeenCalledOnce()
    expect(errors).toEqual([
      'the shutdown hook (anonymous) did not end within 5000 ms; the next one runs',
    ])
  })

  it('ignores a failure of a hook after its time-out', async () => {
    let fail = (): void => {}
    const succeeded = run(
      () =>
        new Promise((_, reject) => {
          fail = () => reject(new Error('late'))
        }),
    )
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await succeeded).toBe(false)
    fail()
    expect(errors).toHaveLength(1)
  })
})
