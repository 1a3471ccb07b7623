import type { Clock } from './clock.ts'

/** The named timers of one process. Setting a timer replaces the one of the same name. */
export class Timers {
  readonly #clock: Clock
  readonly #running = new Map<string, () => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  set(name: string, ms: number, callback: () => void): void {
    this.#running.get(name)?.()
    this.#running.set(name, this.#clock.after(ms, callback))
  }

  clear(): void {
    for (const cancel of this.#running.values()) cancel()
    this.#running.clear()
  }
}
