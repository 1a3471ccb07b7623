import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { IdleWatch, type Watched } from './idle-exit.ts'

describe('IdleWatch', () => {
  const watched: Watched = { connections: 0, onEmpty: undefined }
  const set = (connections: number): void => void Object.assign(watched, { connections })
  let idle: number
  let watch: IdleWatch

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] })
    set(0)
    idle = 0
    watch = new IdleWatch(watched, 1_000, () => {
      idle += 1
    })
  })
  afterEach(() => {
    watch.stop()
    vi.useRealTimers()
  })

  /** The last connection closes. */
  const emptied = (): void => {
    set(0)
    watched.onEmpty?.()
  }

  it('calls back for a server that has never had a connection', () => {
    vi.advanceTimersByTime(999)
    expect(watch.idle).toBe(false)
    expect(idle).toBe(0)
    vi.advanceTimersByTime(2)
    expect(watch.idle).toBe(true)
    expect(idle).toBe(1)
  })

  it('counts from the end of the last connection', () => {
    vi.advanceTimersByTime(600)
    set(2)
    vi.advanceTimersByTime(100)
    emptied()
    vi.advanceTimersByTime(999)
    expect(idle).toBe(0)
    vi.advanceTimersByTime(2)
    expect(idle).toBe(1)
  })

  it('does not call back while a connection is open, however long', () => {
    set(1)
    vi.advanceTimersByTime(100_000)
    expect(watch.idle).toBe(false)
    emptied()
    vi.advanceTimersByTime(1_001)
    expect(idle).toBe(1)
  })

  it('does not call back if a connection is accepted at the last moment', () => {
    vi.advanceTimersByTime(999)
    vi.useRealTimers()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    watch.stop()
    watch = new IdleWatch(watched, 1_000, () => {
      idle += 1
    })
    vi.advanceTimersByTime(1_000)
    set(1) // in the poll between the timer and the immediate
    return new Promise((turn) => setImmediate(turn)).then(() => expect(idle).toBe(0))
  })

  it('calls back each time', () => {
    vi.advanceTimersByTime(1_001)
    set(1)
    emptied()
    vi.advanceTimersByTime(1_001)
    expect(idle).toBe(2)
  })

  it('has one timer, however many connections close', () => {
    for (let count = 0; count < 100; count += 1) {
      set(1)
      vi.advanceTimersByTime(1)
      emptied()
    }
    expect(vi.getTimerCount()).toBe(1)
    watch.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
