import { Socket } from 'node:net'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LongLivedConnections } from './long-lived.ts'
import type { Carrier } from './protocols/carrier.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const COUNT = 2_000
const SPREAD = 2_000

/** Connections of which those from before may leave at once, and the others when accepting has stopped. */
function connections(spread: number) {
  const before = new Set<Carrier>()
  const accepting = { isOpen: true }
  const mayLeave = (carrier: Carrier): boolean => !accepting.isOpen || before.has(carrier)
  const longLived = new LongLivedConnections({
    spread,
    grace: 2_000,
    mayLeave,
    handsOver: () => false,
  })
  /** Adds so many. Returns how many of them were asked to leave in each tick. */
  const add = (isBefore: boolean): Map<number, number> => {
    const asked = new Map<number, number>()
    for (let index = 0; index < COUNT; index += 1) {
      const socket = new Socket()
      if (isBefore) before.add(socket)
      longLived.add(socket, 'webSockets', () => {
        const now = performance.now()
        asked.set(now, (asked.get(now) ?? 0) + 1)
      })
    }
    return asked
  }
  return { longLived, accepting, add }
}

const sum = (asked: Map<number, number>): number =>
  [...asked.values()].reduce((total, each) => total + each, 0)

const time = (asked: Map<number, number>): number => {
  const times = [...asked.keys()]
  return Math.max(...times) - Math.min(...times)
}

it('when accepting has stopped, those that were opened during the drain are asked over a short time, at most a tenth at once', async () => {
  const { longLived, accepting, add } = connections(SPREAD)
  const before = add(true)
  longLived.begin()
  const during = add(false)
  await vi.runAllTimersAsync()
  expect([sum(before), sum(during)]).toEqual([COUNT, 0])
  expect(time(before)).toBeGreaterThan(SPREAD * 0.9)
  accepting.isOpen = false
  longLived.look()
  await vi.runAllTimersAsync()
  expect(sum(during)).toBe(COUNT)
  expect(time(during)).toBeLessThan(200)
  for (const asked of [before, during]) {
    expect(Math.max(...asked.values())).toBeLessThanOrEqual(COUNT / 10)
  }
})

it('none is asked before begin()', async () => {
  const { longLived, accepting, add } = connections(SPREAD)
  const during = add(false)
  accepting.isOpen = false
  longLived.look()
  await vi.runAllTimersAsync()
  expect(sum(during)).toBe(0)
  longLived.begin()
  await vi.runAllTimersAsync()
  expect(sum(during)).toBe(COUNT)
})

it('all are asked at once without a spread', async () => {
  const { longLived, accepting, add } = connections(0)
  const during = add(false)
  longLived.begin()
  accepting.isOpen = false
  longLived.look()
  await vi.runAllTimersAsync()
  expect([...during.values()]).toEqual([COUNT])
})
