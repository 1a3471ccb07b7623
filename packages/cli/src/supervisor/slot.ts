import { BackOff, type BackOffRules } from './back-off.ts'
import type { Worker } from './worker.ts'

/** How to start the processes of a generation. */
export interface Plan<Spec> {
  generation: number
  spec: Spec
}

/** The place of one worker: its current process, and the next one while it starts. */
export class Slot<Spec> {
  readonly number: number
  readonly backOff: BackOff
  /** The process that serves. */
  current: Worker | undefined
  /** The process that is starting and will replace it. */
  next: Worker | undefined
  /** The plan of the current process, or of the last one. */
  plan: Plan<Spec> | undefined
  #cancelRetry: (() => void) | undefined

  constructor(number: number, rules: BackOffRules) {
    this.number = number
    this.backOff = new BackOff(rules)
  }

  /** No process serves, none is starting, and no retry is pending. */
  get isEmpty(): boolean {
    return this.current === undefined && this.next === undefined && this.#cancelRetry === undefined
  }

  /** Notes that a retry is pending, and how to cancel it. */
  retryWith(cancel: () => void): void {
    this.#cancelRetry = cancel
  }

  /** Makes the process the current one; returns the one before it. */
  promote(worker: Worker, plan: Plan<Spec>): Worker | undefined {
    const old = this.current
    this.current = worker
    this.plan = plan
    this.next = undefined
    return old
  }

  /** Cancels a pending retry, and stops a process that is starting. */
  clear(): void {
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    const { next } = this
    this.next = undefined
    next?.stop()
  }

  /** Notes that the retry happens now. */
  retryIsDue(): void {
    this.#cancelRetry = undefined
  }
}
