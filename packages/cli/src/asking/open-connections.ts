/** How many connections may be open at a time, and for how long. */
export interface Limits {
  all: number
  /** Of all processes below a started one, so that they cannot keep those of the next generation from asking. */
  below: number
  /** A process asks when one of its servers starts to listen, and waits for the answer. */
  ofProcess: number
  /** Milliseconds for the request: a process sends it at once. */
  patience: number
}

export const LIMITS: Limits = { all: 256, below: 128, ofProcess: 4, patience: 2_000 }

/** Counts the open connections of each of several pids. */
export class OpenConnections {
  readonly most: number
  readonly #counts = new Map<number, number>()

  constructor(most: number) {
    this.most = most
  }

  isFull(pid: number): boolean {
    return this.#count(pid) >= this.most
  }

  add(pid: number): void {
    this.#counts.set(pid, this.#count(pid) + 1)
  }

  remove(pid: number): void {
    const left = this.#count(pid) - 1
    if (left > 0) this.#counts.set(pid, left)
    else this.#counts.delete(pid)
  }

  #count(pid: number): number {
    return this.#counts.get(pid) ?? 0
  }
}
