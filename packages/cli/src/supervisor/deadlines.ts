import type { WorkerRules } from './assignment.ts'
import type { Clock } from './clock.ts'
import type { Event, State } from './life.ts'
import { Timers } from './timers.ts'

// Between two looks into /proc while a process starts.
const LOOK = 20
// For a process that hangs to write its core file, for one that is told "at once" to end, and for
// one that drains to say so.
const LAST_WORDS = 1_000

/** What is done when time has passed. */
export interface Due {
  on(event: Event): void
  /** One that drains has had the time to take no new connection any more. */
  retire(): void
  /** Whether it waits for connections. */
  isAccepting(): boolean
}

/** The deadlines of one process: each state has its own, and they end with it. */
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

  /** It wants so much more time, from now on, to become ready; it never gets less than the rules give. */
  extendStart(ms: number): void {
    if (this.#state !== 'starting') return
    const end = this.#startedAt + this.#rules.readyTimeout
    this.#after('start', Math.max(ms, end - this.#clock.now()), 'start-timeout')
  }

  /** It has said WATCHDOG=1: only whoever has spoken the protocol once is held to it. */
  heard(): void {
    this.#guarded = true
    if (this.#state === 'settling' || this.#state === 'ready') this.#guard()
  }

  /** It is to end at once. */
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
