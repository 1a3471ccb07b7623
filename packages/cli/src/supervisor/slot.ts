import { BackOff, type BackOffRules } from './back-off.ts'
import type { Worker } from './worker.ts'

/** What a generation starts its processes with. */
export interface Plan<Spec> {
  generation: number
  spec: Spec
}

/** The place of one worker, in which processes follow one another. */
export class Slot<Spec> {
  readonly number: number
  readonly backOff: BackOff
  /** The process that serves. */
  current: Worker | undefined
  /** The one that is starting to take its place. */
  next: Worker | undefined
  /** What the process that serves, or served last, was started with. */
  plan: Plan<Spec> | undefined
  #cancelRetry: (() => void) | undefined

  constructor(number: number, rules: BackOffRules) {
    this.number = number
    this.backOff = new BackOff(rules)
  }

  /** It has no process, and none is on its way. */
  get isEmpty(): boolean {
    return this.current === undefined && this.next === undefined && this.#cancelRetry === undefined
  }

  /** Remembers how to take back a retry that is due later. */
  retryWith(cancel: () => void): void {
    this.#cancelRetry = cancel
  }

  /** Takes the new process for the current one; returns the one that was. */
  adopt(worker: Worker, plan: Plan<Spec>): Worker | undefined {
    const old = this.current
    this.current = worker
    this.plan = plan
    this.next = undefined
    return old
  }

  /** Gives up what is on its way: a retry, a process that is starting. */
  clear(): void {
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    const { next } = this
    this.next = undefined
    next?.stop()
  }

  retryIsDue(): void {
    this.#cancelRetry = undefined
  }
}
