import type { Failure } from './failure.ts'

/** The milestones of one process that others wait for; each is reached once. */
export class Milestones {
  /** Resolves with `undefined` when the process is ready, or with the reason when it never will be. */
  readonly started: Promise<Failure | undefined>
  /** Resolves when the process no longer serves: it drains or has ended. */
  readonly left: Promise<void>
  /** Resolves when the process accepts no new connection: it reported so, or had enough time. */
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

  /** The process no longer serves. `failure` is the reason if it was never ready. */
  leave(failure: Failure): void {
    this.#start(failure)
    this.#leave()
  }

  retire(): void {
    this.#retire()
  }
}
