import { counted } from '../base/counted.ts'
import { SocketPortError } from '../base/errors.ts'
import { later } from '../base/later.ts'
import { defaultLogger } from '../base/logger.ts'
import type { DrainResult, Logger, ShutdownReason, ShutdownSignal } from '../base/types.ts'
import { type Notifier, notifierInUse } from '../notify/notifier.ts'
import { hasTerminal } from '../proc/terminal.ts'
import { surviveThePrimary } from '../process/cluster-primary.ts'
import { perProcess } from '../process/per-process.ts'
import { connectionsCut, type Left } from './connections-left.ts'
import { type Hook, runHooks, type ShutdownHook } from './hooks.ts'
import { SignalListeners } from './signal-listeners.ts'
import { StopSignals } from './stop-signals.ts'

const parts = later(() => import('./shutdown-parts.ts'))

type ShutdownParts = typeof import('./shutdown-parts.ts')

/** What the shutdown of the process knows of a service. */
export interface Member {
  readonly signals: readonly ShutdownSignal[]
  readonly exit: boolean
  readonly logger: Logger
  readonly connections: number
  readonly left: Left
  /** The longest time that its drain may take, in milliseconds. */
  readonly timeout: number
  /** It has had no connection for its `idleExit` time. */
  isIdle(): boolean
  /** Its drain is reported to the manager. */
  readonly notify: boolean
  drain(quick: boolean): Promise<DrainResult>
  force(): void
  /** As `ServerDrain.leftToProgram`. */
  leftToProgram(): boolean
  /** Its own hook, to run when everything is drained. */
  finish(): Hook | undefined
}

/** One shutdown that is under way. */
interface Running {
  reason: ShutdownReason
  done: Promise<void>
  /** Hooks of the program that have not begun. */
  hooksLeft: Set<Hook>
  /** Settles when every hook has run, before the process ends. */
  hooksOver: Promise<void>
}

/** The shutdown of a process: a signal, all drains at the same time, the hooks, and the end of the process. */
export class ProcessShutdown {
  readonly #members = new Set<Member>()
  readonly #hooks = new Set<Hook>()
  readonly #signals = new SignalListeners((signal) => this.#onSignal(signal as ShutdownSignal))
  readonly #stopSignals = new StopSignals()
  #running: Running | undefined
  #forgetPrimary: (() => void) | undefined
  #watched: boolean | undefined

  join(member: Member): () => void {
    if (this.#running !== undefined) {
      throw shuttingDown()
    }
    this.#members.add(member)
    this.#listen()
    this.#lookForWatcher()
    return () => {
      this.#members.delete(member)
      this.#listen()
    }
  }

  addHook(run: ShutdownHook, timeout: number): () => void {
    const hook = { run, timeout }
    this.#hooks.add(hook)
    return () => void this.#hooks.delete(hook)
  }

  // Look for a watcher in the next turn of the event loop, so that listening does not wait for it. Later would
  // be too late: nodemon ends the shell between itself and this process first, and then the ancestors are lost.
  #lookForWatcher(): void {
    if (this.#watched !== undefined) return
    // What cannot be loaded is tried again when the shutdown begins.
    parts.soon().then(this.#isWatched, () => {})
  }

  readonly #isWatched = ({ isWatched }: ShutdownParts): boolean => {
    this.#watched ??= isWatched()
    return this.#watched
  }

  get running(): Promise<void> | undefined {
    return this.#running?.done
  }

  /** Settles after the last hook; `undefined` where no shutdown runs, or a hook has begun. */
  get hooksAhead(): Promise<void> | undefined {
    const { hooksLeft, hooksOver } = this.#running ?? {}
    return hooksLeft?.size === this.#hooks.size ? hooksOver : undefined
  }

  begin(reason: ShutdownReason): Promise<void> {
    if (this.#running !== undefined) return this.#running.done
    this.#stopSignals.open()
    let endHooks = (): void => {}
    const hooksOver = new Promise<void>((resolve) => {
      endHooks = resolve
    })
    const hooksLeft = new Set(this.#hooks)
    const running = { reason, hooksLeft, hooksOver, done: Promise.resolve() }
    this.#running = running
    running.done = this.#run(running, endHooks)
    return running.done
  }

  endIdle(): void {
    if (this.#running !== undefined || this.#members.size === 0) return
    if ([...this.#members].every((member) => member.isIdle())) void this.begin('idle')
  }

  async #run({ reason, hooksLeft }: Running, endHooks: () => void): Promise<void> {
    const members = [...this.#members]
    const logger = members[0]?.logger ?? defaultLogger
    process.once('exit', this.#onEarlyExit)
    const loaded = parts.now ?? (await parts.load())
    logger.debug(`${reason}: draining ${counted(members.length, 'server')}`)
    const { DrainProgress, StopReport, QuickProgress } = loaded
    const sender = managerToTell(members)
    const report = sender && new StopReport(sender)
    const longest = Math.max(0, ...members.map(({ timeout }) => timeout))
    const waiting = new DrainProgress(members, longest, logger)
    report?.phase(longest, () => waiting.status)
    // The quick form is for a person who waits, or a watcher that has new code. SIGINT alone does not say so:
    // managers such as pm2 stop with it too.
    const forPerson = reason === 'SIGINT' && hasTerminal()
    const quick =
      forPerson || ((reason === 'SIGTERM' || reason === 'SIGINT') && this.#isWatched(loaded))
    const drains = members.map((member) => member.drain(quick))
    const progress = quick && hasTerminal() ? new QuickProgress(members, forPerson) : undefined
    const results = await Promise.all(drains)
    waiting.end()
    const own = members.flatMap((member) => member.finish() ?? [])
    const hooks = [...own, ...[...this.#hooks].reverse()]
    report?.phase(
      hooks.reduce((sum, { timeout }) => sum + timeout, 0),
      () => 'running the shutdown hooks',
    )
    const succeeded = await runHooks(hooks, reason, logger, (hook) => hooksLeft.delete(hook))
    hooksLeft.clear()
    report?.end()
    progress?.end(results)
    if (!succeeded) failExitCode()
    endHooks()
    // A `close` callback that has waited for the hooks runs first, and may end the process itself.
    await new Promise(setImmediate)
    process.off('exit', this.#onEarlyExit)
    // Without an argument, so that a `process.exitCode` of the program stays.
    if (members.every(({ exit }) => exit)) process.exit()
    // A server that was forced emits 'close' later. Remove it now, so that a framework that ends the process with
    // the same signal does not find the signal caught here.
    for (const member of members) this.#members.delete(member)
    this.#running = undefined
    this.#listen()
  }

  #onSignal(signal: ShutdownSignal): void {
    if (this.#running === undefined) void this.begin(signal)
    else if (this.isAnotherStop()) this.endNow(signal)
  }

  /** Whether it listens to the signal. */
  listensTo(signal: ShutdownSignal): boolean {
    return this.#signals.has(signal)
  }

  /** Whether the program itself has listeners of the signal. */
  programListensTo(signal: ShutdownSignal): boolean {
    return this.#signals.programHas(signal)
  }

  /** Called for each stop signal during a shutdown; false for one that belongs to the stop before it. */
  isAnotherStop(): boolean {
    return this.#stopSignals.isNew()
  }

  /** Whether only the program can end the connections that are left. New ones are no longer accepted then. */
  leftToProgram(): boolean {
    return [...this.#members].every((member) => member.leftToProgram())
  }

  /** Leaves the end of the process to the program during a shutdown. The drains go on. */
  leaveEndToProgram(): void {
    this.#signals.listenTo(new Set())
    process.off('exit', this.#onEarlyExit)
  }

  /** Ends the process during a shutdown, and cuts what is left. */
  endNow(signal: ShutdownSignal): void {
    const reason = this.#running?.reason
    const members = [...this.#members]
    const logger = members[0]?.logger ?? defaultLogger
    const cut = connectionsCut(this.#open())
    logger.warn(`${signal} after ${reason}: ending at once${cut === '' ? '' : `, ${cut}`}`)
    for (const member of members) member.force()
    process.off('exit', this.#onEarlyExit)
    failExitCode()
    if (members.every(({ exit }) => exit)) process.exit()
  }

  // Something else has called process.exit: a listener of the same signal, or Node itself in a cluster.
  readonly #onEarlyExit = (code: number): void => {
    const lost = [connectionsCut(this.#open()), this.#skippedHooks()].filter((one) => one !== '')
    if (lost.length === 0) return
    const logger = [...this.#members][0]?.logger ?? defaultLogger
    logger.warn(
      `the process was ended with code ${code} while it drained: ${lost.join(', and ')}. ${EARLY_EXIT}`,
    )
  }

  #skippedHooks(): string {
    const hooks = [...(this.#running?.hooksLeft ?? [])].reverse()
    const names = hooks.map(({ run }) => run.name || '(anonymous)')
    if (names.length === 0) return ''
    return `the shutdown hook${names.length === 1 ? '' : 's'} ${names.join(', ')} did not run`
  }

  #open(): number {
    return [...this.#members].reduce((sum, { connections }) => sum + connections, 0)
  }

  #watchPrimary(): void {
    if (this.#members.size > 0) {
      this.#forgetPrimary ??= surviveThePrimary(() => void this.begin('shutdown'))
    } else {
      this.#forgetPrimary?.()
      this.#forgetPrimary = undefined
    }
  }

  /** Puts the listeners back that the program has removed with its own (`process.removeAllListeners`). */
  listenAgain(): void {
    this.#signals.restore()
  }

  // The listeners stay during a shutdown: without one a second signal would end the process without a message.
  #listen(): void {
    if (this.#running !== undefined) return
    this.#watchPrimary()
    this.#signals.listenTo(new Set([...this.#members].flatMap(({ signals }) => signals)))
  }
}

const EARLY_EXIT = 'Look for process.exit in a signal listener, and use onShutdown(hook) instead'

/** Makes the exit code 1, unless the program has set one that says failure. */
function failExitCode(): void {
  if (!Number(process.exitCode ?? 0)) process.exitCode = 1
}

/** The notifier to report to; `undefined` if neither a member nor the program itself notifies the manager. */
function managerToTell(members: readonly Member[]): Notifier | undefined {
  const notifies = members.length === 0 || members.some(({ notify }) => notify)
  const sender = notifierInUse()
  return notifies && sender?.hasManager ? sender : undefined
}

// Every copy of this package in the process shares one: two would each count the other's signal.
const state = perProcess<ProcessShutdown>('shutdown/1')

/** The shutdown of this process, for every copy of the package. */
export const processShutdown = (): ProcessShutdown => state.get(() => new ProcessShutdown())

/** The error for a server that starts when the process shuts down. */
export function shuttingDown(): SocketPortError {
  return new SocketPortError(
    'ERR_SOCKET_PORT_SHUTTING_DOWN',
    'the process is shutting down and starts no new server; let it end, or start the server earlier',
  )
}

/** Adds a service to the shutdown of the process. Returns a function that removes it. */
export const joinShutdown = (member: Member): (() => void) => processShutdown().join(member)

/** Shuts the process down if all of its services are idle. */
export const endIdleProcess = (): void => processShutdown().endIdle()

/** The running shutdown of the process; `undefined` if there is none. */
export const runningShutdown = (): Promise<void> | undefined => processShutdown().running

/** Settles after the last hook of the shutdown; `undefined` where none runs, or a hook has begun. */
export const hooksAhead = (): Promise<void> | undefined => processShutdown().hooksAhead
