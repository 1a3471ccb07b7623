import cluster from 'node:cluster'
import { isMainThread } from 'node:worker_threads'
import { defaultLogger } from '../logger.ts'
import { F_DUPFD_CLOEXEC } from '../sockets/constants.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import type { Logger } from '../types.ts'
import { passBarrier } from './barrier.ts'
import { Outbox } from './outbox.ts'
import { type Datagram, sendDatagram } from './socket.ts'
import { clearNotifyVariables, type NotifyVariables, readNotifyVariables } from './variables.ts'
import { Watchdog } from './watchdog.ts'

/** The lines of one message, in their order: `{ READY: 1, STATUS: 'serving' }`. */
export type NotifyFields = Readonly<Record<string, string | number>>

export interface PostOptions {
  /** They stay the caller's, also while the message waits. At most 253. */
  fds?: readonly number[]
  /** Told when a message that waited for room was given up. */
  dropped?: () => void
}

/** The one voice of a process: what the environment said of its manager, and what has been said. */
export class Notifier {
  /** STOPPING=1 has been said. It is final since systemd 259, and READY=1 would undo it before. */
  stopping = false
  /** READY=1 has been said. */
  ready = false
  /** What STATUS= last said. */
  status = ''
  readonly #variables: NotifyVariables
  readonly #outbox: Outbox
  readonly #watchdog: Watchdog

  constructor(variables: NotifyVariables, send: typeof sendDatagram, logger: Logger) {
    this.#variables = variables
    const { address } = variables
    const post = (datagram: Datagram): void => {
      if (address !== undefined) send(usableLibc(), address, datagram)
    }
    const duplicate = (fd: number): number => usableLibc().fcntl(fd, F_DUPFD_CLOEXEC, 3)
    this.#outbox = new Outbox(post, duplicate, logger)
    this.#watchdog = new Watchdog(() => void this.post({ WATCHDOG: 1 }))
    for (const problem of variables.problems) logger.warn(problem)
    if (variables.watchdogTimeout !== undefined) this.keepAlive(variables.watchdogTimeout)
  }

  /** Where warnings go. */
  get logger(): Logger {
    return this.#outbox.logger
  }

  set logger(logger: Logger) {
    this.#outbox.logger = logger
  }

  /** A manager has said that it listens. */
  get heard(): boolean {
    return this.#variables.address !== undefined
  }

  /** Sends keep-alives for a manager that waits so long (milliseconds) for each. */
  keepAlive(timeout: number): void {
    if (this.heard) this.#watchdog.start(timeout)
  }

  /**
   * Sends one datagram, or lets it wait for room. False: nobody listens, the manager cannot be
   * reached, or the process has said that it stops and the message says otherwise. Never throws.
   */
  post(fields: NotifyFields, { fds = [], dropped }: PostOptions = {}): boolean {
    if (!this.heard) return false
    const begins = 'READY' in fields || 'RELOADING' in fields
    if (begins && this.stopping) return false
    if ('STOPPING' in fields) this.stopping = true
    if ('READY' in fields) this.ready = true
    if ('STATUS' in fields) this.status = String(fields.STATUS)
    return this.#outbox.post({ bytes: encode(fields), fds }, dropped)
  }

  /** Resolves to true once the manager has read everything that was posted before. Never throws. */
  async barrier(timeout: number): Promise<boolean> {
    if (!this.heard) return false
    try {
      return await passBarrier(usableLibc(), timeout, (fd, dropped) =>
        this.post({ BARRIER: 1 }, { fds: [fd], dropped }),
      )
    } catch (error) {
      this.#outbox.unreachable(error)
      return false
    }
  }

  /** Sends what waits, as far as there is room: for the end of the process. */
  flush(): void {
    this.#outbox.flush()
  }
}

const encode = (fields: NotifyFields): Uint8Array =>
  Buffer.from(
    Object.entries(fields)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n'),
  )

// One for every copy of this package in the process: only the first finds the environment.
const key = Symbol.for('@socket-port/core/notify/1')
const globals = globalThis as { [key]?: Notifier }

/**
 * The voice of this process; the first call reads the environment, clears it, and starts the
 * keep-alives of the watchdog.
 */
export function notifier(logger?: Logger): Notifier {
  globals[key] ??= new Notifier(readOnce(), sendDatagram, logger ?? defaultLogger)
  if (logger !== undefined) globals[key].logger = logger
  return globals[key]
}

const nobody: NotifyVariables = { address: undefined, watchdogTimeout: undefined, problems: [] }

/** The voice of this process, where it has been asked for. */
export const notifierInUse = (): Notifier | undefined => globals[key]

// A worker thread has the pid of its process, and the manager would believe it: what one of many
// workers says of itself is not so of the process. It leaves the variables to the main thread, with
// which it may share them. A cluster worker has a copy; the primary speaks.
function readOnce(): NotifyVariables {
  if (!isMainThread) return nobody
  const variables = readNotifyVariables(process.env, process.pid)
  clearNotifyVariables(process.env)
  return cluster.isWorker ? nobody : variables
}
