import type { Failure } from './failure.ts'

/** What others wait for in the life of one process; each moment comes once. */
export class Moments {
  /** Settles when it counts as ready, with `undefined`, or never will, with the reason. */
  readonly started: Promise<Failure | undefined>
  /** Resolves when it no longer serves: it drains or is gone. */
  readonly left: Promise<void>
  /** Resolves when it takes no new connection, as far as it can be known: it says so, or some time has passed. */
  readonly retired: Promise<void>
  #start: (failure: Failure | undefined) => void = () => {}
  #leave: () => void = () => {}
  #retire: () => void = () => {}

  constructor() {
    this.started = new Promise((resolve) => {
      this.#start = resolve
    })
    this.left = new Promise((resolve) => {
      this.#leave = resolve
    })
    this.retired = new Promise((resolve) => {
      this.#retire = resolve
    })
  }

  ready(): void {
    this.#start(undefined)
  }

  /** It no longer serves; the failure is for one that was never ready. */
  leave(failure: Failure): void {
    this.#start(failure)
    this.#leave()
  }

  retire(): void {
    this.#retire()
  }
}
