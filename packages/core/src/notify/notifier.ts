import { clusterWorker, isMainThread } from '../base/built-in.ts'
import { defaultLogger } from '../base/logger.ts'
import type { Logger } from '../base/types.ts'
import { assign, claim, look } from '../process/environment.ts'
import { perProcess } from '../process/per-process.ts'
import { F_DUPFD_CLOEXEC } from '../sockets/constants.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import type { NotifyAddress } from './address.ts'
import { passBarrier } from './barrier.ts'
import { type ChannelEnd, readChannelEnd } from './channel-end.ts'
import { deliveryTo } from './delivery.ts'
import { Outbox } from './outbox.ts'
import { PlainChannel } from './plain-channel.ts'
import { sendDatagram } from './socket.ts'
import { type NotifyVariables, readNotifyVariables } from './variables.ts'
import { Watchdog } from './watchdog.ts'

/** The assignments of one message, in order: `{ READY: 1, STATUS: 'serving' }`. */
export type NotifyFields = Readonly<Record<string, string | number>>

export interface PostOptions {
  /** At most 253. The caller still owns them; a message that waits has duplicates. */
  fds?: readonly number[]
  /** Called when a message that waited for room is dropped. */
  dropped?: () => void
}

/** Sends this process's notifications to its manager (sd_notify(3)) and remembers what it has sent. */
export class Notifier {
  /** Where warnings go. */
  logger: Logger
  #state: 'starting' | 'ready' | 'stopping' = 'starting'
  #status = ''
  #channel: ChannelEnd | undefined
  #plainChannel: PlainChannel | undefined
  #variables: NotifyVariables
  readonly #send: typeof sendDatagram
  // Both are made when they are needed: many processes have no manager.
  #outbox: Outbox | undefined
  #watchdog: Watchdog | undefined

  constructor(variables: NotifyVariables, send: typeof sendDatagram, logger: Logger) {
    this.logger = logger
    this.#send = send
    this.#variables = variables
    for (const problem of variables.problems) logger.warn(problem)
    this.#follow(variables)
  }

  #follow({ channel, watchdogTimeout }: NotifyVariables): void {
    this.#channel = channel === undefined ? undefined : readChannelEnd(channel)
    if (watchdogTimeout !== undefined) this.keepAlive(watchdogTimeout)
  }

  #outboxFor(address: NotifyAddress): Outbox {
    this.#outbox ??= this.#makeOutbox(address)
    return this.#outbox
  }

  #makeOutbox(address: NotifyAddress): Outbox {
    const warn = (message: string): void => this.logger.warn(message)
    const channel = (): PlainChannel | undefined => this.plainChannel()
    const lost = (error: Error): void => outbox.unreachable(error)
    const post = deliveryTo({
      address,
      send: this.#send,
      channel,
      listener: { lost, unsure: warn },
    })
    const duplicate = (fd: number): number => usableLibc().fcntl(fd, F_DUPFD_CLOEXEC, 3)
    const outbox = new Outbox(post, duplicate, warn)
    return outbox
  }

  /** The channel of a supervisor that takes this process for the one that serves. */
  get channel(): ChannelEnd | undefined {
    return this.#channel
  }

  /**
   * The supervisor has given its channel to this process. It has ignored a READY=1 that was sent before, because the
   * process was not yet the one that serves.
   */
  becomeSupervised(variables: NotifyVariables): void {
    this.#variables = variables
    if (this.#state === 'ready') this.#state = 'starting'
    this.#follow(variables)
  }

  /**
   * What the manager knows of the process: READY=1 was sent, or STOPPING=1. The latter is final since
   * systemd 259; before, a later READY=1 would undo it.
   */
  get state(): 'starting' | 'ready' | 'stopping' {
    return this.#state
  }

  /** The last STATUS= that was sent. */
  get status(): string {
    return this.#status
  }

  /** A manager listens: NOTIFY_SOCKET was set to a valid address. */
  get hasManager(): boolean {
    return this.#variables.address !== undefined
  }

  /**
   * The channel of a supervisor without native code; `undefined` where there is none, or it belongs to
   * a wrapper around this process, whose messages the supervisor accepts instead.
   */
  plainChannel(): PlainChannel | undefined {
    if (this.#channel === undefined || !this.#variables.direct) return undefined
    try {
      this.#plainChannel ??= new PlainChannel(this.#channel)
    } catch {
      // The program that ran here before exec(2) has closed the channel, and other descriptors have its numbers.
    }
    return this.#plainChannel
  }

  /** Sends keep-alives often enough for a watchdog of `timeout` milliseconds. */
  keepAlive(timeout: number): void {
    if (!this.hasManager) return
    this.#watchdog ??= new Watchdog(() => void this.post({ WATCHDOG: 1 }))
    this.#watchdog.start(timeout)
  }

  /**
   * Sends one datagram, or queues it while the manager's socket is full. Returns false when no
   * manager listens, when it cannot be reached, or when the message would take STOPPING=1 back.
   * Never throws.
   */
  post(fields: NotifyFields, { fds = [], dropped }: PostOptions = {}): boolean {
    const { address } = this.#variables
    if (address === undefined) return false
    const begins = 'READY' in fields || 'RELOADING' in fields
    if (begins && this.#state === 'stopping') return false
    if ('READY' in fields) this.#state = 'ready'
    if ('STOPPING' in fields) this.#state = 'stopping'
    if ('STATUS' in fields) this.#status = String(fields.STATUS)
    return this.#outboxFor(address).post({ bytes: encode(fields), fds }, dropped)
  }

  /** Resolves to true once the manager has read every earlier message. Never throws. */
  async barrier(timeout: number): Promise<boolean> {
    const { address } = this.#variables
    if (address === undefined) return false
    try {
      return await passBarrier(usableLibc(), timeout, (fd, dropped) =>
        this.post({ BARRIER: 1 }, { fds: [fd], dropped }),
      )
    } catch (error) {
      this.#outboxFor(address).unreachable(error)
      return false
    }
  }

  /** Sends as many queued messages as the manager's socket has room for. Call it before the process ends. */
  flush(): void {
    this.#outbox?.flush()
  }
}

const encode = (fields: NotifyFields): Uint8Array =>
  Buffer.from(
    Object.entries(fields)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n'),
  )

// Every copy of this package in the process shares one: READY=1 of one copy must not follow STOPPING=1 of another.
const shared = perProcess<Notifier>('notify/1')

/**
 * The notifier of this process. The first call claims the variables of sd_notify(3), and starts the
 * keep-alives of the watchdog. `logger` gets the warnings from now on.
 */
export function notifier(logger?: Logger): Notifier {
  const notifier = shared.get(() => new Notifier(readOnce(), sendDatagram, logger ?? defaultLogger))
  if (logger !== undefined) notifier.logger = logger
  return notifier
}

const noManager: NotifyVariables = {
  address: undefined,
  watchdogTimeout: undefined,
  channel: undefined,
  direct: false,
  problems: [],
}

/**
 * Makes this process one that a supervisor has started itself: with a channel, and with its watchdog. Returns false where
 * no supervisor listens.
 */
export function becomeSupervised({ socket, wakeUp }: ChannelEnd): boolean {
  if (look('notifications').NOTIFY_SOCKET === undefined) return false
  assign('notifications', {
    SOCKET_PORT_CHANNEL: `${socket},${wakeUp}`,
    WATCHDOG_PID: String(process.pid),
  })
  // A program in between may have claimed it: tsx looks at the sockets that were passed to it.
  assign('restart', { SOCKET_PORT_SUCCESSOR: 'running' })
  shared.current?.becomeSupervised(readNotifyVariables(look('notifications'), process.pid))
  return true
}

/** The notifier of this process; `undefined` when nothing has used it yet. */
export const notifierInUse = (): Notifier | undefined => shared.current

// Only the main thread notifies. A worker thread has the pid of its process, so the manager would take
// the state of one worker for the state of the process. A worker thread may share `process.env` with the
// main thread, so it leaves the variables there. In a cluster the primary notifies, not the workers.
function readOnce(): NotifyVariables {
  const isNotified = Object.keys(look('notifications')).length > 0
  if (isNotified && !isMainThread()) return noManager
  const variables = claim('notifications')
  return isNotified && clusterWorker() === undefined
    ? readNotifyVariables(variables, process.pid)
    : noManager
}

/**
 * Whether a manager listens for this process: NOTIFY_SOCKET has a valid address. Asking claims nothing
 * and sends nothing.
 */
export function managerListens(): boolean {
  const { address } = readNotifyVariables(look('notifications'), process.pid)
  return address !== undefined && isMainThread() && clusterWorker() === undefined
}
