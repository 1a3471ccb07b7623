import type { Clock } from '../supervisor/clock.ts'

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now = 0
  #timers: { at: number; callback: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Timers that are waiting. */
  get pending(): number {
    return this.#timers.length
  }

  /** Moves the time on, timer by timer. The callbacks of promises run between two timers. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#now = next.at
      next.callback()
      await settle()
    }
    this.#now = end
  }
}

/** Resolves when the callbacks of all settled promises have run. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
