/** Runs a task one at a time. All calls that come while it runs share one further run. */
export class Coalesced<T> {
  readonly #task: () => Promise<T>
  #active: Promise<T> | undefined
  #waiting: Promise<T> | undefined

  /** The task must not reject. */
  constructor(task: () => Promise<T>) {
    this.#task = task
  }

  request(): Promise<T> {
    if (this.#waiting !== undefined) return this.#waiting
    const run = (): Promise<T> => {
      this.#waiting = undefined
      return this.#task()
    }
    const started = this.#active === undefined ? run() : this.#active.then(run)
    if (this.#active !== undefined) this.#waiting = started
    this.#active = started
    void started.then(() => {
      if (this.#active === started) this.#active = undefined
    })
    return started
  }
}
