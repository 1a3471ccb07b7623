import { closeSync } from 'node:fs'
import { getSystemErrorMap } from 'node:util'
import { SocketPortError } from '../errors.ts'
import { EAGAIN, ENOBUFS, ETOOMANYREFS } from '../sockets/constants.ts'
import type { Logger } from '../types.ts'
import type { Datagram } from './socket.ts'

const RETRY = 50
/** A manager that does not read for so long, or leaves so many unread, is not waited for. */
const LONGEST_WAIT = 10_000
const MOST_WAITING = 64

interface Waiting extends Datagram {
  since: number
  dropped: () => void
}

/** How datagrams leave: sent at once, or, while the manager's socket is full, in order later on. */
export class Outbox {
  /** Where warnings go: one for each kind of trouble. */
  logger: Logger
  readonly #send: (datagram: Datagram) => void
  readonly #duplicate: (fd: number) => number
  readonly #waiting: Waiting[] = []
  readonly #warned = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(
    send: (datagram: Datagram) => void,
    duplicate: (fd: number) => number,
    logger: Logger,
  ) {
    this.#send = send
    this.#duplicate = duplicate
    this.logger = logger
  }

  /**
   * True: it is sent, or waits. False: the manager cannot be reached, and a warning has said so.
   * The descriptors stay the caller's: what waits has duplicates. `dropped` is told when what
   * waited is not sent after all. Never throws.
   */
  post(datagram: Datagram, dropped: () => void = () => {}): boolean {
    if (this.#waiting.length === 0) {
      const failure = this.#try(datagram)
      if (failure === undefined) return true
      if (!isFull(failure)) {
        this.unreachable(failure)
        return false
      }
    }
    return this.#wait(datagram, dropped)
  }

  /** Sends what waits, as far as there is room. */
  flush(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const failure = this.#try(next)
      const late = performance.now() - next.since > LONGEST_WAIT
      if (failure !== undefined && isFull(failure) && !late) break
      this.#waiting.shift()
      next.fds.forEach(closeSync)
      if (failure === undefined) continue
      next.dropped()
      if (late) this.#full()
      else this.unreachable(failure)
    }
    if (this.#waiting.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  /** Warns that the manager is not told, and why. */
  unreachable(error: unknown): void {
    const { message, syscall, errno } = error as SocketPortError
    const isCall = error instanceof SocketPortError && errno !== undefined
    const reason = isCall ? `${syscall} failed with ${nameOf(errno)}` : message
    const mend = isCall
      ? '. Start the process with the manager that listens on NOTIFY_SOCKET, or unset it'
      : ''
    this.#warn(reason, `the manager is not told how this process is doing: ${reason}${mend}`)
  }

  #wait({ bytes, fds }: Datagram, dropped: () => void): boolean {
    const last = this.#waiting.at(-1)
    // A keep-alive that waits already says as much as two.
    if (fds.length === 0 && last?.fds.length === 0 && Buffer.compare(last.bytes, bytes) === 0) {
      return true
    }
    if (this.#waiting.length === MOST_WAITING) {
      this.#full()
      return false
    }
    const duplicates: number[] = []
    try {
      for (const fd of fds) duplicates.push(this.#duplicate(fd))
    } catch (error) {
      duplicates.forEach(closeSync)
      this.unreachable(error)
      return false
    }
    this.#waiting.push({ bytes, fds: duplicates, since: performance.now(), dropped })
    // Nobody stays alive to tell that it is alive.
    this.#timer ??= setInterval(() => this.flush(), RETRY).unref()
    return true
  }

  #try(datagram: Datagram): unknown {
    try {
      this.#send(datagram)
      return undefined
    } catch (error) {
      return error
    }
  }

  #full(): void {
    this.#warn(
      'full',
      `the notify socket of the manager has had no room for ${LONGEST_WAIT} ms or ${MOST_WAITING} ` +
        'messages, and what could not be sent is dropped; look why the manager does not read',
    )
  }

  #warn(kind: string, message: string): void {
    if (this.#warned.has(kind)) return
    this.#warned.add(kind)
    this.logger.warn(message)
  }
}

// ETOOMANYREFS: more descriptors are in flight than RLIMIT_NOFILE allows. It passes, as a full socket does.
const isFull = (error: unknown): boolean =>
  error instanceof SocketPortError && [EAGAIN, ENOBUFS, ETOOMANYREFS].includes(error.errno ?? 0)

function nameOf(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[0] ?? `errno ${errno}`
}
