/**
 * The state of one process.
 *
 * - `starting`: started, not yet ready.
 * - `settling`: ready, but it counts only after it has stayed up for `settle`.
 * - `ready`: it serves. If it ends now without being stopped, that is a crash.
 * - `draining`: it was stopped, or reported STOPPING=1.
 * - `gone`: it has ended.
 */
export type State = 'starting' | 'settling' | 'ready' | 'draining' | 'gone'

export type Event =
  /** The readiness condition was met. */
  | 'ready'
  /** It has stayed up for `settle` since it was ready. */
  | 'settled'
  /** It did not become ready in time. */
  | 'start-timeout'
  /** It must end. */
  | 'stop'
  /** It reported STOPPING=1. */
  | 'leaving'
  /** The started process has ended; the one that serves in its place drains. */
  | 'abandoned'
  /** It did not send WATCHDOG=1 in time. */
  | 'hung'
  | 'drain-timeout'
  | 'exit'

/** What the supervisor does to the process. */
export type Action = 'none' | 'signal' | 'abort' | 'kill'

export interface Step {
  state: State
  action: Action
}

const step = (state: State, action: Action = 'none'): Step => ({ state, action })

const table: Record<State, Partial<Record<Event, Step>>> = {
  starting: {
    ready: step('settling'),
    // SIGTERM, not SIGKILL: it may have accepted connections already.
    'start-timeout': step('draining', 'signal'),
    stop: step('draining', 'signal'),
    leaving: step('draining'),
    abandoned: step('draining'),
    exit: step('gone'),
  },
  settling: {
    settled: step('ready'),
    stop: step('draining', 'signal'),
    leaving: step('draining'),
    abandoned: step('draining'),
    hung: step('draining', 'abort'),
    exit: step('gone'),
  },
  ready: {
    stop: step('draining', 'signal'),
    leaving: step('draining'),
    abandoned: step('draining'),
    hung: step('draining', 'abort'),
    exit: step('gone'),
  },
  draining: {
    // Not a second SIGTERM: core and many other programs then end at once.
    'drain-timeout': step('draining', 'kill'),
    exit: step('gone'),
  },
  gone: {},
}

/** The next state, and what to do. An event that does not apply in the state changes nothing. Pure. */
export function next(state: State, event: Event): Step {
  return table[state][event] ?? step(state)
}

/** The milestones of one process that others wait for; each is reached once. */
export class Milestones<Failure> {
  /** Resolves with `undefined` when the process is ready, or with the reason when it never will be. */
  readonly started: Promise<Failure | undefined>
  /** Resolves when the process no longer serves: it drains or has ended. */
  readonly left: Promise<void>
  /** Resolves when the process accepts no new connection: it reported so, or had enough time. */
  readonly retired: Promise<void>
  #start: (failure: Failure | undefined) => void = () => {}
  #leave: () => void = () => {}
  #retire: () => void = () => {}

  constructor() {
    this.started = new Promise((resolve) => {
      this.#start = resolve
    })
    this.left = new Promise((resolve) => {
      this.#leave = resolve
    })
    this.retired = new Promise((resolve) => {
      this.#retire = resolve
    })
  }

  ready(): void {
    this.#start(undefined)
  }

  /** The process no longer serves. `failure` is the reason if it was never ready. */
  leave(failure: Failure): void {
    this.#start(failure)
    this.#leave()
  }

  retire(): void {
    this.#retire()
  }
}
