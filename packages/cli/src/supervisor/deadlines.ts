import type { WorkerRules } from './assignment.ts'
import type { Clock } from './clock.ts'
import type { Event, State } from './lifecycle.ts'
import { Timers } from './timers.ts'

// The interval between two looks into /proc while a process starts.
const LOOK = 20
// Time for a hung process to write its core file, for a process that must end at once, and for a process
// that drains to report that it does.
const LAST_WORDS = 1_000

/** What the deadlines call. */
export interface Due {
  on(event: Event): void
  /** A draining process has had time to stop accepting. */
  retire(): void
  /** Whether the process waits for connections. */
  isAccepting(): boolean
}

/** The deadlines of one process. Each state has its own; they are cancelled when the state changes. */
export class Deadlines {
  readonly #rules: WorkerRules
  readonly #clock: Clock
  readonly #due: Due
  readonly #timers: Timers
  readonly #startedAt: number
  #state: State = 'starting'
  #guarded = false

  constructor(rules: WorkerRules, clock: Clock, due: Due) {
    this.#rules = rules
    this.#clock = clock
    this.#due = due
    this.#timers = new Timers(clock)
    this.#startedAt = clock.now()
    this.#after('start', rules.readyTimeout, 'start-timeout')
    this.#lookForReadiness()
  }

  /** The process has changed its state. */
  enter(state: State): void {
    this.#state = state
    this.#timers.clear()
    if (state === 'settling') this.#after('settle', this.#rules.settle, 'settled')
    if (state === 'ready') this.#guard()
    if (state === 'draining') {
      this.#after('drain', this.#rules.drainTimeout, 'drain-timeout')
      this.#timers.set('retire', LAST_WORDS, () => this.#due.retire())
    }
  }

  /** Gives the process `ms` milliseconds from now to become ready, but never less than the rules give. */
  extendStart(ms: number): void {
    if (this.#state !== 'starting') return
    const end = this.#startedAt + this.#rules.readyTimeout
    this.#after('start', Math.max(ms, end - this.#clock.now()), 'start-timeout')
  }

  /** The process sent WATCHDOG=1. The watchdog applies only to a process that has sent one. */
  heard(): void {
    this.#guarded = true
    if (this.#state === 'settling' || this.#state === 'ready') this.#guard()
  }

  /** Shortens the drain: the process must end at once. */
  hurry(): void {
    this.#after('drain', LAST_WORDS, 'drain-timeout')
  }

  #guard(): void {
    const { watchdog } = this.#rules
    if (this.#guarded && watchdog !== undefined) this.#after('watchdog', watchdog, 'hung')
  }

  #lookForReadiness(): void {
    const { ready } = this.#rules
    if (ready.kind === 'delay') this.#after('ready', ready.ms, 'ready')
    if (ready.kind !== 'port') return
    const look = (): void => {
      if (this.#due.isAccepting()) this.#due.on('ready')
      else this.#timers.set('ready', LOOK, look)
    }
    this.#timers.set('ready', LOOK, look)
  }

  #after(name: string, ms: number, event: Event): void {
    this.#timers.set(name, ms, () => this.#due.on(event))
  }
}
