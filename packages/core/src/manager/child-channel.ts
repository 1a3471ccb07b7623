import { closeEnd, type LineEnd, openBellLine, sendAndRing } from '../handover/bell-line.ts'
import { LAST, LINE } from '../handover/channel.ts'
import { usableLibc } from '../sockets/usable-libc.ts'

export { ADOPTED, ADOPTS, CHANNEL_VARIABLE, HANDED_OVER } from '../handover/channel.ts'
export { PARCEL_NAME } from '../store-name.ts'

/** How a supervisor speaks to a process that runs already. */
export class ChildChannel {
  readonly #near: LineEnd
  #far: LineEnd | undefined

  /** @throws {SocketPortError} ERR_SOCKET_PORT_UNSUPPORTED without native code, …_SYSCALL */
  constructor() {
    const { near, far } = openBellLine(usableLibc())
    this.#near = near
    this.#far = far
  }

  /**
   * The descriptors that the process is to inherit, side by side; CHANNEL_VARIABLE tells their
   * numbers there, separated by a comma.
   */
  get fds(): [number, number] {
    if (this.#far === undefined) throw new Error('the process has its end already')
    return [this.#far.socket, this.#far.bell]
  }

  /** To be called once the process has been started: its end is then its own. */
  started(): void {
    if (this.#far !== undefined) closeEnd(this.#far)
    this.#far = undefined
  }

  /** Passes a line of the generation before; its descriptors stay the caller's. False: the process has ended. */
  pass(fds: readonly number[]): boolean {
    return this.#say(LINE, fds)
  }

  /** Says that nobody follows, before the signal that ends the process. False: it has ended. */
  sayLast(): boolean {
    return this.#say(LAST, [])
  }

  close(): void {
    this.started()
    closeEnd(this.#near)
  }

  #say(word: string, fds: readonly number[]): boolean {
    return sendAndRing(usableLibc(), this.#near, Buffer.from(word), fds) === 'sent'
  }
}
