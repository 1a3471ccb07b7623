import { counted } from './counted.ts'
import { SocketPortError } from './errors.ts'
import { type Hook, runHooks, type ShutdownHook } from './hooks.ts'
import { defaultLogger } from './logger.ts'
import { notifierInUse } from './notify/notifier.ts'
import { StopReport } from './notify/stop-report.ts'
import { milliseconds } from './options.ts'
import type { DrainResult, Logger, ShutdownReason, ShutdownSignal } from './types.ts'

export interface ShutdownHookOptions {
  /** After this many milliseconds the hook counts as failed and the next one runs. @default 5000 */
  timeout?: number | undefined
}

/** A service as the shutdown of the process sees it. */
export interface Member {
  readonly signals: readonly ShutdownSignal[]
  readonly exit: boolean
  readonly logger: Logger
  readonly connections: number
  /** Connections that are not idle; `undefined` before they are told apart. */
  readonly busy: number | undefined
  /** What its drain takes at most, in milliseconds. */
  readonly timeout: number
  /** It has had nothing to do for as long as it waits. */
  isIdle(): boolean
  /** The manager is told of its drain. */
  readonly notify: boolean
  drain(quick: boolean): Promise<DrainResult>
  force(): void
  /** The hook of its own, when everything is drained. */
  finish(): Hook | undefined
}

// A Ctrl-C under `npm start` comes twice, from the terminal and from npm, which passes it on.
const SAME_CTRL_C = 200

/** The one shutdown of a process: signals, then every drain at once, then the hooks, then the end. */
class Shutdown {
  readonly #members = new Set<Member>()
  readonly #hooks = new Set<Hook>()
  readonly #listening = new Set<ShutdownSignal>()
  #running: { reason: ShutdownReason; at: number; done: Promise<void> } | undefined

  join(member: Member): () => void {
    if (this.#running !== undefined) {
      throw shuttingDown()
    }
    this.#members.add(member)
    this.#listen()
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

  get running(): Promise<void> | undefined {
    return this.#running?.done
  }

  begin(reason: ShutdownReason): Promise<void> {
    this.#running ??= { reason, at: performance.now(), done: this.#run(reason) }
    return this.#running.done
  }

  endIdle(): void {
    if (this.#running !== undefined || this.#members.size === 0) return
    if ([...this.#members].every((member) => member.isIdle())) void this.begin('idle')
  }

  async #run(reason: ShutdownReason): Promise<void> {
    const members = [...this.#members]
    const logger = members[0]?.logger ?? defaultLogger
    logger.info(`${reason}: draining ${counted(members.length, 'server')}`)
    process.once('exit', this.#onEarlyExit)
    const report = stopReport(members)
    report?.phase(Math.max(0, ...members.map(({ timeout }) => timeout)), () => whatIsLeft(members))
    await Promise.all(members.map((member) => member.drain(reason === 'SIGINT')))
    const own = members.flatMap((member) => member.finish() ?? [])
    const hooks = [...own, ...[...this.#hooks].reverse()]
    report?.phase(
      hooks.reduce((sum, { timeout }) => sum + timeout, 0),
      () => 'running the shutdown hooks',
    )
    const succeeded = await runHooks(hooks, reason, logger)
    report?.end()
    process.off('exit', this.#onEarlyExit)
    if (!succeeded) process.exitCode = 1
    if (members.every(({ exit }) => exit)) process.exit(succeeded ? 0 : 1)
    // A server that was forced emits 'close' later, and whoever ends the process by the same signal
    // must not find it caught here.
    for (const member of members) this.#members.delete(member)
    this.#running = undefined
    this.#listen()
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (this.#running === undefined) return void this.begin(signal as ShutdownSignal)
    const { reason, at } = this.#running
    if (signal === 'SIGINT' && reason === 'SIGINT' && performance.now() - at < SAME_CTRL_C) return
    const members = [...this.#members]
    const logger = members[0]?.logger ?? defaultLogger
    logger.warn(`${signal} after ${reason}: ending at once, ${cut(this.#open())}`)
    for (const member of members) member.force()
    process.off('exit', this.#onEarlyExit)
    if (members.every(({ exit }) => exit)) process.exit(1)
  }

  // Somebody else's listener of the same signal has called process.exit.
  readonly #onEarlyExit = (code: number): void => {
    const logger = [...this.#members][0]?.logger ?? defaultLogger
    logger.warn(
      `the process was ended with code ${code} while it drained: ${cut(this.#open())}. ` +
        'Look for process.exit in a signal listener, and use onShutdown(hook) instead',
    )
  }

  #open(): number {
    return [...this.#members].reduce((sum, { connections }) => sum + connections, 0)
  }

  // While it runs, the listeners stay: without one a second signal would end the process unsaid.
  #listen(): void {
    if (this.#running !== undefined) return
    const wanted = new Set([...this.#members].flatMap(({ signals }) => signals))
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      if (wanted.has(signal) === this.#listening.has(signal)) continue
      if (wanted.has(signal)) {
        this.#listening.add(signal)
        // First, to be draining already when another listener ends the process.
        process.prependListener(signal, this.#onSignal)
      } else {
        this.#listening.delete(signal)
        process.off(signal, this.#onSignal)
      }
    }
  }
}

/** Tells the manager how the shutdown goes, where a member or the program itself speaks to it. */
function stopReport(members: readonly Member[]): StopReport | undefined {
  const speaks = members.length === 0 || members.some(({ notify }) => notify)
  const voice = notifierInUse()
  return speaks && voice?.heard ? new StopReport(voice) : undefined
}

const cut = (open: number): string =>
  `${counted(open, 'connection')} ${open === 1 ? 'is' : 'are'} cut`

function whatIsLeft(members: readonly Member[]): string {
  if (members.length === 0) return 'stopping'
  const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0)
  const open = sum(members.map(({ connections }) => connections))
  const busy = members.map(({ busy }) => busy)
  const left = `draining: ${counted(open, 'connection')} left`
  const known = busy.filter((each) => each !== undefined)
  return known.length === busy.length && open > 0 ? `${left}, ${sum(known)} busy` : left
}

// One for every copy of this package in the process: two would each count the other's signal.
const key = Symbol.for('@socket-port/core/shutdown/1')
const globals = globalThis as { [key]?: Shutdown }

function shared(): Shutdown {
  globals[key] ??= new Shutdown()
  return globals[key]
}

/** The error for whoever wants to serve when it is too late. */
export function shuttingDown(): SocketPortError {
  return new SocketPortError(
    'ERR_SOCKET_PORT_SHUTTING_DOWN',
    'the process is shutting down and starts no new server; let it end, or start the server earlier',
  )
}

/** Adds a service to the shutdown of the process; returns a function that takes it out. */
export const joinShutdown = (member: Member): (() => void) => shared().join(member)

/** Shuts the process down where none of its services has anything to do. */
export const endIdleProcess = (): void => shared().endIdle()

/** The shutdown of the process, where one is under way. */
export const runningShutdown = (): Promise<void> | undefined => shared().running

/**
 * Runs the hook when the process shuts down, after the last connection has ended; the newest hook
 * first. Returns a function that takes it back.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION
 */
export function onShutdown(hook: ShutdownHook, options: ShutdownHookOptions = {}): () => void {
  if (typeof hook !== 'function') {
    throw new SocketPortError(
      'ERR_SOCKET_PORT_INVALID_OPTION',
      `a shutdown hook must be a function (got ${typeof hook}); pass onShutdown(() => pool.end())`,
    )
  }
  return shared().addHook(hook, milliseconds('timeout', options.timeout, 5_000))
}

/**
 * Does what SIGTERM does: drains every service of the process, runs the hooks, ends the process
 * (unless a service was started with `exit: false`). Every call returns the promise of the first.
 */
export const shutdown = (): Promise<void> => shared().begin('shutdown')
