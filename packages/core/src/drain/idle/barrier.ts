/** A barrier that is closed while at least one holder has it. */
export class Barrier {
  readonly #holders = new Set<object>()
  #waiting: (() => void)[] = []

  /** Closes the barrier; returns a function that releases it. Calling that again does nothing. */
  hold(): () => void {
    const holder = {}
    this.#holders.add(holder)
    return () => {
      if (!this.#holders.delete(holder) || this.#holders.size > 0) return
      for (const go of this.#waiting.splice(0)) go()
    }
  }

  /** Resolves when the barrier has no holder, which may be at once. */
  get opened(): Promise<void> {
    if (this.#holders.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
