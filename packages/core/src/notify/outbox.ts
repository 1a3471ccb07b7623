import { closeSync } from 'node:fs'
import { getSystemErrorMap } from 'node:util'
import { SocketPortError } from '../base/errors.ts'
import { EAGAIN, ENOBUFS, ETOOMANYREFS } from '../sockets/constants.ts'
import type { Datagram } from './socket.ts'

const RETRY = 50
/** Messages are dropped when the manager has not read for so many milliseconds, or so many wait. */
const LONGEST_WAIT = 10_000
const MOST_WAITING = 64

interface Waiting extends Datagram {
  since: number
  dropped: () => void
}

/** Sends datagrams to the manager. While its socket is full they queue here and leave in order. */
export class Outbox {
  readonly #send: (datagram: Datagram) => void
  readonly #duplicate: (fd: number) => number
  readonly #waiting: Waiting[] = []
  readonly #warnNow: (message: string) => void
  readonly #warned = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  /** `warn` gets one warning for each kind of problem. */
  constructor(
    send: (datagram: Datagram) => void,
    duplicate: (fd: number) => number,
    warn: (message: string) => void,
  ) {
    this.#send = send
    this.#duplicate = duplicate
    this.#warnNow = warn
  }

  /**
   * Returns true when the datagram was sent or queued, and false when the manager cannot be reached;
   * a warning says why. The caller still owns the descriptors: a queued datagram has duplicates.
   * `dropped` is called when a queued datagram is not sent after all. Never throws.
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

  /** Sends as many queued datagrams as the manager's socket has room for. */
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

  /** Warns that notifications do not reach the manager, and why. */
  unreachable(error: unknown): void {
    const { message, syscall, errno } = error as SocketPortError
    const isCall = error instanceof SocketPortError && errno !== undefined
    const reason = isCall ? `${syscall} failed with ${nameOf(errno)}` : message
    const mend = isCall
      ? '. Start the process with the manager that listens on NOTIFY_SOCKET, or unset it'
      : ''
    this.#warn(reason, `notifications do not reach the manager: ${reason}${mend}`)
  }

  #wait({ bytes, fds }: Datagram, dropped: () => void): boolean {
    const last = this.#waiting.at(-1)
    // An identical datagram is the last in the queue already, such as a keep-alive: one is enough.
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
    // Unref the timer: retries must not keep the process running.
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
      `the manager has not read its notify socket for ${LONGEST_WAIT} ms, or ${MOST_WAITING} messages ` +
        'wait for it. They are dropped; find out why the manager does not read',
    )
  }

  #warn(kind: string, message: string): void {
    if (this.#warned.has(kind)) return
    this.#warned.add(kind)
    this.#warnNow(message)
  }
}

// ETOOMANYREFS: more descriptors are in flight than RLIMIT_NOFILE allows. It passes, as a full socket does.
const isFull = (error: unknown): boolean =>
  error instanceof SocketPortError && [EAGAIN, ENOBUFS, ETOOMANYREFS].includes(error.errno ?? 0)

function nameOf(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[0] ?? `errno ${errno}`
}
