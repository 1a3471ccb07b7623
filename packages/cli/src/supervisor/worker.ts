import { RECEIVES, toMilliseconds } from '@socket-port/core/supervisor'
import type { Child, Exit, Joined, Place, ServerProcess } from './child.ts'
import type { Clock } from './clock.ts'
import { Deadlines } from './deadlines.ts'
import { endedLate, type Failure, failureOf, leaveReasons } from './failure.ts'
import { type Action, type Event, Milestones, next, type State } from './lifecycle.ts'
import { Reported } from './reported.ts'
import type { WorkerRules } from './rules.ts'
import { Serving } from './serving.ts'

/** One process from start to end. Only {@link next} decides what happens in each state. */
export class Worker {
  readonly place: Place
  readonly startedAt: number
  readonly reported: Reported = new Reported()
  readonly milestones: Milestones<Failure> = new Milestones()
  readonly gone: Promise<Exit>
  state: State = 'starting'
  readyAt: number | undefined
  /** It was ended by SIGKILL. */
  killed = false
  /** It may not be signalled, and goes on without this command. */
  goesOn = false
  /** Why it began to drain by itself, for messages. */
  leaveReason: string | undefined
  readonly #child: Child
  readonly #rules: WorkerRules
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #serving: Serving = new Serving()
  /** The started process has sent READY=1 itself. */
  #servesItself = false

  constructor(child: Child, place: Place, rules: WorkerRules, clock: Clock) {
    this.#child = child
    this.#rules = rules
    this.#clock = clock
    this.place = place
    this.startedAt = clock.now()
    this.gone = child.exited.then((exit) => {
      this.#on('exit', exit)
      return exit
    })
    this.#deadlines = new Deadlines(rules, clock, {
      on: (event) => this.#on(event),
      retire: () => this.milestones.retire(),
      isAccepting: () => child.isAccepting(),
    })
  }

  /** The pid of the process that serves: the started one, or the newest one below it that has asked for a socket. */
  get pid(): number {
    return this.#child.servers.at(-1) ?? this.#child.pid
  }

  /** The pid of the process that was started. */
  get startedPid(): number {
    return this.#child.pid
  }

  /** Whether this is the started process, or one below it that serves in its place: their notifications count. */
  isOwn(pid: number): boolean {
    return pid === this.#child.pid || this.#serving.has(pid)
  }

  /** Whether the process `pid` may have the socket of this inode: no other process below the started one serves it. */
  isFree(socket: bigint, pid: number): boolean {
    return this.#serving.holderOf(socket, pid) === undefined
  }

  /**
   * Gives the kept socket with the inode `socket` to a process below the started one, which serves in its place from now on.
   * Returns the descriptors of its channel, none if it has one already, or the reason why it may not have the socket.
   */
  join(server: ServerProcess, socket: bigint): Joined | string {
    const { state } = this
    if (state === 'draining' || state === 'gone') {
      return `generation ${this.place.generation} is being stopped`
    }
    const holder = this.#servesItself ? this.#child.pid : this.#serving.holderOf(socket, server.pid)
    if (holder !== undefined) return `process ${holder} serves it already`
    const isNew = !this.#serving.has(server.pid)
    const joined = isNew ? this.#child.join(server) : { fds: [], passed() {} }
    if (isNew) this.#serving.add(server)
    this.#serving.give(server.pid, socket)
    return joined
  }

  /** Call it when a process that served in place of the started one has ended. */
  serverEnded(pid: number): void {
    this.#serving.remove(pid)
    if (this.state === 'starting') this.reported.endedServers.push(pid)
  }

  /** The inodes of the sockets that were given to a process below the started one; `undefined` if that has none. */
  socketsOf(pid: number | undefined): ReadonlySet<bigint> | undefined {
    return pid === undefined ? undefined : this.#serving.socketsOf(pid)
  }

  /** Keeps a queue of connections for the next process that serves in place of `pid`. Returns false if no such process comes. */
  keep(fds: readonly number[], pid: number | undefined): boolean {
    const sockets = this.socketsOf(pid)
    if (sockets === undefined || this.state === 'draining') return false
    this.#child.keep(fds, sockets)
    return true
  }

  /** Call it when the started process has ended, and a process below it drains. */
  abandoned(): void {
    this.#on('abandoned')
  }

  /** For how many milliseconds it has been ready; 0 if it never was. */
  get readyFor(): number {
    return this.readyAt === undefined ? 0 : this.#clock.now() - this.readyAt
  }

  /** Handles a notification (sd_notify(3)) of this process, or of the one that serves in its place. */
  notified(fields: ReadonlyMap<string, string>, pid: number = this.#child.pid): void {
    this.reported.note(fields, pid)
    const sockets = this.#serving.socketsOf(pid)
    if (fields.get(RECEIVES) === '1' && sockets !== undefined) {
      this.#serving.receives(pid)
      this.#child.passKept(pid, sockets)
    }
    const extension = toMilliseconds(fields.get('EXTEND_TIMEOUT_USEC'))
    if (extension !== undefined) this.#deadlines.extendStart(extension)
    if (fields.get('READY') === '1' && this.#rules.ready.kind === 'notify') {
      if (!this.#serving.has(pid) || this.#serving.ready(pid)) this.#on('ready')
    }
    if (fields.get('READY') === '1' && pid === this.#child.pid && !this.#serving.has(pid)) {
      this.#servesItself = true
    }
    if (fields.get('WATCHDOG') === '1') this.#deadlines.keptAlive()
    if (fields.get('WATCHDOG') === 'trigger') this.#on('hung')
    if (fields.get('STOPPING') !== '1') return
    if (this.#serving.has(pid)) {
      // A watcher replaces its server. No server follows only if this worker was told to stop.
      if (this.#serving.stopping(pid) && this.state === 'draining') this.milestones.retire()
      return
    }
    this.milestones.retire()
    this.#on('leaving')
  }

  printed(line: string): void {
    const { ready } = this.#rules
    if (ready.kind === 'log' && ready.pattern.test(line)) this.#on('ready')
  }

  /** Tells the process to end. Does nothing if it drains already. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#on('stop', undefined, signal)
  }

  /** Makes the process end at once: sends the signal again, and SIGKILL a second later. */
  hurry(signal: NodeJS.Signals): void {
    if (this.state === 'gone') return
    if (this.state !== 'draining') this.stop(signal)
    else this.#child.signal(signal)
    this.#deadlines.hurry()
  }

  kill(): void {
    if (this.state !== 'gone') this.#act('kill', 'SIGKILL')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.signal(signal)
  }

  /**
   * Passes on a queue with connections of the previous process. They came from the sockets with these inodes, if those are
   * known. Returns whether a process takes the queue.
   */
  pass(fds: readonly number[], sockets?: ReadonlySet<bigint>): boolean {
    if (this.#serving.isEmpty) return this.reported.receives && this.#child.pass(fds)
    const pid = this.#serving.receiverOf(sockets)
    return pid !== undefined && this.#child.pass(fds, pid)
  }

  /** Tells the process that the next process serves, so that it stops accepting when it drains. Call it before the stop signal. */
  tellNext(): void {
    this.#child.tellNext()
  }

  /** The failure of a process that was ready and has ended since. */
  lateFailure(): Failure {
    return { ...endedLate(this.pid), output: this.#child.tail() }
  }

  #on(event: Event, exit?: Exit, signal: NodeJS.Signals = 'SIGTERM'): void {
    const before = this.state
    const { state, action } = next(before, event)
    this.state = state
    this.leaveReason = leaveReasons[event] ?? this.leaveReason
    if (state !== before) this.#enter(before, event, exit)
    this.#act(action, signal)
  }

  #enter(before: State, event: Event, exit: Exit | undefined): void {
    const { state } = this
    this.#deadlines.enter(state)
    if (state === 'settling') this.readyAt = this.#clock.now()
    else if (state === 'ready') this.milestones.ready()
    else this.milestones.leave(this.#failure(before, event, exit))
    if (state === 'draining' || state === 'gone') this.#child.dropKept()
    if (state === 'gone') this.milestones.retire()
  }

  #act(action: Action, signal: NodeJS.Signals): void {
    if (action === 'signal') this.#child.signal(signal)
    if (action === 'abort') {
      this.#child.signal('SIGABRT')
      this.#deadlines.hurry()
    }
    if (action === 'kill') {
      this.killed = this.#child.kill()
      this.goesOn = !this.killed
    }
  }

  #failure(before: State, event: Event, exit: Exit | undefined): Failure {
    const { program, register, ready } = this.#rules
    const { foreignPids, endedServers, anything: hasSpoken } = this.reported
    const after = this.#clock.now() - this.startedAt
    const output = this.#child.tail()
    const seen = {
      pid: this.#child.pid,
      program,
      register,
      ready,
      after,
      foreignPids,
      endedServers,
      hasSpoken,
      output,
    }
    return failureOf(event, exit, before === 'settling', seen)
  }
}
