/** Runs functions in order, each `ms` after it was added; at once when `ms` is 0. */
export class DelayLine {
  readonly #ms: number
  readonly #due: number[] = []
  readonly #actions: (() => void)[] = []
  #first = 0
  #armed = false

  constructor(ms: number) {
    this.#ms = ms
  }

  put(action: () => void): void {
    if (this.#ms === 0) {
      action()
      return
    }
    this.#due.push(performance.now() + this.#ms)
    this.#actions.push(action)
    if (!this.#armed) this.#arm()
  }

  #arm(): void {
    this.#armed = true
    const wait = (this.#due[this.#first] ?? 0) - performance.now()
    setTimeout(() => this.#run(), Math.max(1, Math.ceil(wait)))
  }

  #run(): void {
    const time = performance.now()
    while (this.#first < this.#due.length && (this.#due[this.#first] ?? 0) <= time) {
      const action = this.#actions[this.#first]
      this.#first += 1
      action?.()
    }
    this.#forget()
    this.#armed = false
    if (this.#first < this.#due.length) this.#arm()
  }

  /** Removes the functions that have run, many at once, because the rest of the list is moved each time. */
  #forget(): void {
    if (this.#first < 1024 && this.#first < this.#due.length) return
    this.#due.splice(0, this.#first)
    this.#actions.splice(0, this.#first)
    this.#first = 0
  }
}
