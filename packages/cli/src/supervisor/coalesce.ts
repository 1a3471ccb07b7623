/** Runs a task one at a time. All calls that come while it runs share one further run. */
export class Coalesced<T> {
  readonly #task: () => Promise<T>
  #active: Promise<T> | undefined
  #waiting: Promise<T> | undefined

  /** The task must not reject. */
  constructor(task: () => Promise<T>) {
    this.#task = task
  }

  take(): Promise<T> {
    if (this.#waiting !== undefined) return this.#waiting
    const run = (): Promise<T> => {
      this.#waiting = undefined
      return this.#task()
    }
    const turn = this.#active === undefined ? run() : this.#active.then(run)
    if (this.#active !== undefined) this.#waiting = turn
    this.#active = turn
    void turn.then(() => {
      if (this.#active === turn) this.#active = undefined
    })
    return turn
  }
}
