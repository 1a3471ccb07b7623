import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import {
  closeQueueEnd,
  openSignalledQueue,
  type QueueEnd,
  sendAndSignal,
} from '../handover/signalled-queue.ts'
import { NEXT, QUEUE } from '../notify/channel-end.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import type { Notification } from './notification.ts'
import { receiveWaiting, tellSenders } from './notify-socket.ts'

/**
 * The supervisor's end of the channel to a process. It sends messages to a process that runs already, and
 * receives the notifications of one that may load no native code, and so cannot send to NOTIFY_SOCKET.
 */
export class ChildChannel {
  readonly #near: QueueEnd
  readonly #readEnd: Socket
  readonly #receive: (message: Notification) => void
  #far: QueueEnd | undefined
  #closed = false

  /**
   * `receive` gets the notifications that come through the channel.
   *
   * @throws {SocketPortError} ERR_SOCKET_PORT_UNSUPPORTED without native code, …_SYSCALL
   */
  constructor(receive: (message: Notification) => void = () => {}) {
    const libc = usableLibc()
    const { near, far } = openSignalledQueue(libc)
    this.#near = near
    this.#far = far
    this.#receive = receive
    // Keep it open when the other end has closed (allowHalfOpen): the number of the descriptor must stay ours
    // until close().
    this.#readEnd = new Socket({
      fd: near.wakeUp,
      readable: true,
      writable: true,
      allowHalfOpen: true,
    })
    this.#readEnd
      .unref()
      .on('data', () => this.readNow())
      .on('error', () => {})
    tellSenders(libc, near.socket)
  }

  /**
   * The descriptors that the process must inherit. CHANNEL_VARIABLE holds their numbers in the process,
   * separated by a comma.
   */
  get fds(): [number, number] {
    if (this.#far === undefined) throw new Error('the process has its end already')
    return [this.#far.socket, this.#far.wakeUp]
  }

  /** Call it after the process was started, which then has its own copies of these descriptors. */
  started(): void {
    if (this.#far !== undefined) closeQueueEnd(this.#far)
    this.#far = undefined
  }

  /** Calls back once when no process has the other end any more. */
  onHangUp(callback: () => void): void {
    // Not in the middle of what the socket does: the callback may close the channel.
    this.#readEnd.once('end', () => setImmediate(callback))
  }

  /** Delivers what has arrived before it returns, such as the last notifications of a process that has ended. */
  readNow(): void {
    if (this.#closed) return
    const more = receiveWaiting(usableLibc(), this.#near.socket, this.#receive)
    if (more) setImmediate(() => this.readNow())
  }

  /** Passes a queue of the previous process. The caller still owns its descriptors. False: the process has ended. */
  pass(fds: readonly number[]): boolean {
    return this.#tell(QUEUE, fds)
  }

  /** Tells the process, before its stop signal, that the next process serves. False: it has ended. */
  tellNext(): boolean {
    return this.#tell(NEXT, [])
  }

  close(): void {
    this.started()
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#near.socket)
    this.#readEnd.destroy()
  }

  #tell(message: string, fds: readonly number[]): boolean {
    // After an error on the stream, its number may belong to another descriptor.
    if (this.#closed || this.#readEnd.destroyed) return false
    return sendAndSignal(usableLibc(), this.#near, Buffer.from(message), fds) === 'sent'
  }
}
