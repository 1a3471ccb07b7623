/**
 * Where one process of a generation is.
 *
 * - `starting`: launched, and not known to serve.
 * - `settling`: it serves, and must stay up for a moment before it counts.
 * - `ready`: it counts; an end that nobody asked for is a crash.
 * - `draining`: it was told to end, or said that it will.
 * - `gone`
 */
export type State = 'starting' | 'settling' | 'ready' | 'draining' | 'gone'

export type Event =
  /** What readiness asks for has been seen. */
  | 'ready'
  /** It has been up for long enough since. */
  | 'settled'
  /** It has not become ready in time. */
  | 'start-timeout'
  /** Somebody wants it to end. */
  | 'stop'
  /** It says itself that it ends (STOPPING=1). */
  | 'leaving'
  /** It has not been heard of for longer than the watchdog allows. */
  | 'hung'
  | 'drain-timeout'
  | 'exit'

/** What is to be done about the process. */
export type Action = 'none' | 'signal' | 'abort' | 'kill'

export interface Step {
  state: State
  action: Action
}

const step = (state: State, action: Action = 'none'): Step => ({ state, action })

const table: Record<State, Partial<Record<Event, Step>>> = {
  starting: {
    ready: step('settling'),
    // Not killed: it may have taken connections already.
    'start-timeout': step('draining', 'signal'),
    stop: step('draining', 'signal'),
    leaving: step('draining'),
    exit: step('gone'),
  },
  settling: {
    settled: step('ready'),
    stop: step('draining', 'signal'),
    leaving: step('draining'),
    hung: step('draining', 'abort'),
    exit: step('gone'),
  },
  ready: {
    stop: step('draining', 'signal'),
    leaving: step('draining'),
    hung: step('draining', 'abort'),
    exit: step('gone'),
  },
  draining: {
    // No second signal: core, as many others, takes it for "at once".
    'drain-timeout': step('draining', 'kill'),
    exit: step('gone'),
  },
  gone: {},
}

/** What becomes of a process; what does not matter in its state changes nothing; pure. */
export function next(state: State, event: Event): Step {
  return table[state][event] ?? step(state)
}
