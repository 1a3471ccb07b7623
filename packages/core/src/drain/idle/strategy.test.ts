import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { closeAtOnce, expireAtPromise, type IdleStrategy } from './strategy.ts'

const PROMISE = 5_000

// What the strategy sees; a connection that is not in it has a request in flight, or is gone.
let idle: Set<Socket>
let expired: Socket[]
let socket: Socket

const context = {
  givenUp: new Promise<void>(() => {}),
  isIdle: (which: Socket) => idle.has(which),
  isReceiving: () => false,
  mayTransfer: () => false,
  promiseOf: () => PROMISE,
  transferred: () => {},
  expire: (which: Socket) => void expired.push(which),
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  socket = new Socket()
  idle = new Set([socket])
  expired = []
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** Lets time pass, and then the loop poll for input, after which a strategy looks once more. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms)
  await new Promise((polled) => setImmediate(polled))
}

describe('expireAtPromise', () => {
  let strategy: IdleStrategy

  beforeEach(() => {
    strategy = expireAtPromise(context)
  })

  it('closes a connection when its promise ends, and not before', async () => {
    strategy.idle(socket)
    await pass(PROMISE - 1)
    expect(expired).toEqual([])
    await pass(1)
    expect(expired).toEqual([socket])
  })

  it('reads a request first that came at the last moment', async () => {
    strategy.idle(socket)
    vi.advanceTimersByTime(PROMISE)
    expect(expired).toEqual([])
    idle.delete(socket)
    await pass(0)
    expect(expired).toEqual([])
  })

  it('keeps a connection that is busy', async () => {
    strategy.idle(socket)
    strategy.busy(socket)
    expect(vi.getTimerCount()).toBe(0)
    await pass(PROMISE)
    expect(expired).toEqual([])
  })

  it('counts the promise from the start when the connection is idle again', async () => {
    strategy.idle(socket)
    await pass(PROMISE - 1)
    strategy.idle(socket)
    await pass(PROMISE - 1)
    expect(expired).toEqual([])
    await pass(1)
    expect(expired).toEqual([socket])
  })

  it('keeps each connection by its own promise', async () => {
    const other = new Socket()
    idle.add(other)
    strategy.idle(socket)
    await pass(1_000)
    strategy.idle(other)
    strategy.busy(new Socket())
    await pass(PROMISE - 1_000)
    expect(expired).toEqual([socket])
    await pass(1_000)
    expect(expired).toEqual([socket, other])
  })

  it('leaves no timer after the drain', () => {
    strategy.idle(socket)
    strategy.idle(new Socket())
    strategy.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('closeAtOnce', () => {
  it('closes a connection at once, but reads first what has arrived', async () => {
    closeAtOnce(context).idle(socket)
    expect(expired).toEqual([])
    await pass(0)
    expect(expired).toEqual([socket])
  })

  it('keeps a connection on which a request has arrived', async () => {
    const strategy = closeAtOnce(context)
    strategy.idle(socket)
    strategy.busy(socket)
    idle.delete(socket)
    await pass(0)
    expect(expired).toEqual([])
    strategy.stop()
  })
})
