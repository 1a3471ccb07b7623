import type { Clock } from './clock.ts'
import type { Event, State } from './lifecycle.ts'
import type { WorkerRules } from './rules.ts'

// Milliseconds between two looks at /proc while a process starts.
const LOOK_EVERY = 20
// Milliseconds in which a hung process may write its core file, a process that must end at once may end, and a
// process that drains may report STOPPING=1.
const GRACE = 1_000

/** What deadlines ask and call. */
export interface Due {
  on(event: Event): void
  /** Called when a draining process has had time to stop accepting. */
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
  #hasWatchdog = false

  constructor(rules: WorkerRules, clock: Clock, due: Due) {
    this.#rules = rules
    this.#clock = clock
    this.#due = due
    this.#timers = new Timers(clock)
    this.#startedAt = clock.now()
    this.#after('start', rules.readyTimeout, 'start-timeout')
    this.#lookForReadiness()
  }

  /** Call it when the process has changed its state. */
  enter(state: State): void {
    this.#state = state
    this.#timers.clear()
    if (state === 'settling') this.#after('settle', this.#rules.settle, 'settled')
    if (state === 'ready') this.#restartWatchdog()
    if (state === 'draining') {
      this.#after('drain', this.#rules.drainTimeout, 'drain-timeout')
      this.#timers.set('retire', GRACE, () => this.#due.retire())
    }
  }

  /** Gives the process `ms` milliseconds from now to become ready, but never less than the rules give. */
  extendStart(ms: number): void {
    if (this.#state !== 'starting') return
    const end = this.#startedAt + this.#rules.readyTimeout
    this.#after('start', Math.max(ms, end - this.#clock.now()), 'start-timeout')
  }

  /** Call it when the process has sent WATCHDOG=1. The watchdog applies only to a process that has sent one. */
  keptAlive(): void {
    this.#hasWatchdog = true
    if (this.#state === 'settling' || this.#state === 'ready') this.#restartWatchdog()
  }

  /** Shortens the drain: the process must end at once. */
  hurry(): void {
    this.#after('drain', GRACE, 'drain-timeout')
  }

  #restartWatchdog(): void {
    const { watchdog } = this.#rules
    if (this.#hasWatchdog && watchdog !== undefined) this.#after('watchdog', watchdog, 'hung')
  }

  #lookForReadiness(): void {
    const { ready } = this.#rules
    if (ready.kind === 'delay') this.#after('ready', ready.ms, 'ready')
    if (ready.kind !== 'port') return
    const look = (): void => {
      if (this.#due.isAccepting()) this.#due.on('ready')
      else this.#timers.set('ready', LOOK_EVERY, look)
    }
    this.#timers.set('ready', LOOK_EVERY, look)
  }

  #after(name: string, ms: number, event: Event): void {
    this.#timers.set(name, ms, () => this.#due.on(event))
  }
}

/** The named timers of one process. Setting a timer replaces the one of the same name. */
class Timers {
  readonly #clock: Clock
  readonly #running = new Map<string, () => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  set(name: string, ms: number, callback: () => void): void {
    this.#running.get(name)?.()
    this.#running.set(name, this.#clock.after(ms, callback))
  }

  clear(): void {
    for (const cancel of this.#running.values()) cancel()
    this.#running.clear()
  }
}
