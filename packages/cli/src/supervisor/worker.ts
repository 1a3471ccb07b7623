import { milliseconds } from '@socket-port/core/manager'
import type { Child } from './child.ts'
import type { Clock } from './clock.ts'
import { type Exit, type Failure, failedEvent, failedExit, type Observed } from './failure.ts'
import { type Action, type Event, next, type State } from './life.ts'
import type { Readiness } from './readiness.ts'
import { Timers } from './timers.ts'

export interface WorkerRules {
  program: string
  ready: Readiness
  readyTimeout: number
  settle: number
  drainTimeout: number
  watchdog: number | undefined
}

/** Which process of which generation; both from 1. */
export interface Place {
  generation: number
  worker: number
}

// Between two looks into /proc while a process starts.
const LOOK = 20
// For a process that hangs to write its core file, for one that is told "at once" to end, and for
// one that drains to say so.
const LAST_WORDS = 1_000

/** One process from its start to its end. Only {@link next} decides what happens. */
export class Worker {
  readonly place: Place
  readonly startedAt: number
  /** Settles when it counts as ready, with `undefined`, or never will, with the reason. */
  readonly started: Promise<Failure | undefined>
  /** Resolves when it no longer serves: it drains or is gone. */
  readonly left: Promise<void>
  /** Resolves when it takes no new connection, as far as it can be known: it says so, or some time has passed. */
  readonly retired: Promise<void>
  readonly gone: Promise<Exit>
  state: State = 'starting'
  readyAt: number | undefined
  /** The last STATUS= it sent. */
  status: string | undefined
  /** It had to be sent SIGKILL. */
  killed = false
  /** It was told to end. */
  stopped = false
  /** Why it drains unasked, for people. */
  farewell = ''
  /** It has said that it takes the connections of the process before it. */
  adopts = false

  readonly #child: Child
  readonly #rules: WorkerRules
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #strangers: number[] = []
  #hasSpoken = false
  #guarded = false
  #decide: (failure: Failure | undefined) => void = () => {}
  #leave: () => void = () => {}
  #retire: () => void = () => {}

  constructor(child: Child, place: Place, rules: WorkerRules, clock: Clock) {
    this.#child = child
    this.#rules = rules
    this.#clock = clock
    this.#timers = new Timers(clock)
    this.place = place
    this.startedAt = clock.now()
    this.started = new Promise((resolve) => {
      this.#decide = resolve
    })
    this.left = new Promise((resolve) => {
      this.#leave = resolve
    })
    this.retired = new Promise((resolve) => {
      this.#retire = resolve
    })
    this.gone = child.exited.then((exit) => {
      this.#on('exit', exit)
      return exit
    })
    this.#after('start', rules.readyTimeout, 'start-timeout')
    this.#watch(rules.ready)
  }

  get pid(): number {
    return this.#child.pid
  }

  get tail(): string {
    return this.#child.tail()
  }

  /** How long it has been ready; 0 for never. */
  get readyFor(): number {
    return this.readyAt === undefined ? 0 : this.#clock.now() - this.readyAt
  }

  /** A message of sd_notify(3) that counts as its own. */
  notified(fields: ReadonlyMap<string, string>): void {
    this.#hasSpoken = true
    this.status = fields.get('STATUS') ?? this.status
    const extension = milliseconds(fields.get('EXTEND_TIMEOUT_USEC'))
    if (extension !== undefined && this.state === 'starting') this.#extendStart(extension)
    if (fields.get('READY') === '1' && this.#rules.ready.kind === 'notify') this.#on('ready')
    if (fields.get('WATCHDOG') === '1') this.#guard()
    if (fields.get('WATCHDOG') === 'trigger') this.#on('hung')
    if (fields.get('STOPPING') !== '1') return
    this.#retire()
    this.#on('leaving')
  }

  /** A process that it has started has said READY=1, which does not count. */
  ignored(pid: number): void {
    if (!this.#strangers.includes(pid)) this.#strangers.push(pid)
  }

  printed(line: string): void {
    const { ready } = this.#rules
    if (ready.kind === 'log' && ready.pattern.test(line)) this.#on('ready')
  }

  /** Tells it to end; one that drains already is left to it. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.stopped = true
    this.#on('stop', undefined, signal)
  }

  /** Tells it to end at once: the signal once more, and SIGKILL soon. */
  hurry(signal: NodeJS.Signals): void {
    if (this.state === 'gone') return
    if (this.state !== 'draining') this.stop(signal)
    else this.#child.signal(signal)
    this.#after('drain', LAST_WORDS, 'drain-timeout')
  }

  /** Why it does not count any more, for one that was ready. */
  lateFailure(): Failure {
    const message = `process ${this.pid} ended while the others of its generation were starting`
    return { kind: 'ended-after-ready', message, output: this.tail }
  }

  /** Gives it descriptors of the process before it. */
  pass(fds: readonly number[]): boolean {
    return this.adopts && this.#child.pass(fds)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.signal(signal)
  }

  kill(): void {
    if (this.state === 'gone') return
    this.stopped = true
    this.killed = true
    this.#child.kill()
  }

  #on(event: Event, exit?: Exit, signal: NodeJS.Signals = 'SIGTERM'): void {
    const before = this.state
    const { state, action } = next(before, event)
    this.state = state
    if (event === 'leaving') this.farewell = 'it is ending by itself (STOPPING=1)'
    if (event === 'hung') this.farewell = 'it did not send WATCHDOG=1 in time, and is ended'
    if (state !== before) this.#enter(before, event, exit)
    this.#act(action, signal)
  }

  #enter(before: State, event: Event, exit: Exit | undefined): void {
    this.#timers.clear()
    switch (this.state) {
      case 'settling':
        this.readyAt = this.#clock.now()
        this.#after('settle', this.#rules.settle, 'settled')
        return
      case 'ready':
        this.#decide(undefined)
        this.#guardAgain()
        return
      case 'draining':
        this.#after('drain', this.#rules.drainTimeout, 'drain-timeout')
        this.#timers.set('retire', LAST_WORDS, this.#retire)
        break
      case 'gone':
        this.#retire()
    }
    this.#decide(this.#failure(before, event, exit))
    this.#leave()
  }

  #act(action: Action, signal: NodeJS.Signals): void {
    if (action === 'signal') this.#child.signal(signal)
    if (action === 'abort') {
      this.#child.signal('SIGABRT')
      this.#after('drain', LAST_WORDS, 'drain-timeout')
    }
    if (action === 'kill') {
      this.killed = true
      this.#child.kill()
    }
  }

  #watch(ready: Readiness): void {
    if (ready.kind === 'delay') this.#after('ready', ready.ms, 'ready')
    if (ready.kind !== 'port') return
    const look = (): void => {
      if (this.#child.isAccepting()) this.#on('ready')
      else this.#timers.set('ready', LOOK, look)
    }
    this.#timers.set('ready', LOOK, look)
  }

  #after(name: string, ms: number, event: Event): void {
    this.#timers.set(name, ms, () => this.#on(event))
  }

  // Only whoever has spoken the protocol once is held to it.
  #guard(): void {
    this.#guarded = true
    this.#guardAgain()
  }

  #guardAgain(): void {
    const { watchdog } = this.#rules
    if (!this.#guarded || watchdog === undefined) return
    if (this.state === 'settling' || this.state === 'ready') {
      this.#after('watchdog', watchdog, 'hung')
    }
  }

  #extendStart(ms: number): void {
    const end = this.startedAt + this.#rules.readyTimeout
    const left = Math.max(ms, end - this.#clock.now())
    this.#after('start', left, 'start-timeout')
  }

  #failure(before: State, event: Event, exit: Exit | undefined): Failure {
    const { program, ready } = this.#rules
    const seen: Observed = {
      ...{ pid: this.pid, program, ready, after: this.#clock.now() - this.startedAt },
      ...{ strangers: this.#strangers, hasSpoken: this.#hasSpoken },
    }
    const failure =
      exit === undefined ? failedEvent(event, seen) : failedExit(exit, before === 'settling', seen)
    return { ...failure, output: this.tail }
  }
}
