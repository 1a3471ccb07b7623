/** Is open while nobody holds it. */
export class Gate {
  readonly #holders = new Set<object>()
  #waiting: (() => void)[] = []

  /** Holds it; returns a function that lets go, which does nothing when called again. */
  hold(): () => void {
    const holder = {}
    this.#holders.add(holder)
    return () => {
      if (!this.#holders.delete(holder) || this.#holders.size > 0) return
      for (const go of this.#waiting.splice(0)) go()
    }
  }

  /** Resolves when nobody holds it, which may be at once. */
  get opened(): Promise<void> {
    if (this.#holders.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
