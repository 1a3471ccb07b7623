import { closeSync, readSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { SocketPortError } from '../base/errors.ts'
import { nextServes } from '../process/successor.ts'
import { EAGAIN, EPIPE } from '../sockets/constants.ts'
import { type ChannelEnd, NEXT } from './channel-end.ts'

// More bytes than any message of a supervisor has.
const LONGEST = 1024

/**
 * The channel of a supervisor for a process that may load no native code. write(2) sends a datagram,
 * and the kernel tells the supervisor who has sent it. Connections, which are descriptors, cannot
 * come this way. Does not keep the process alive.
 */
export class PlainChannel {
  readonly #end: ChannelEnd
  #open = true

  constructor(end: ChannelEnd) {
    this.#end = end
    new Socket({ fd: end.wakeUp, readable: true, writable: false })
      .unref()
      .on('data', () => this.#readWaiting())
      .on('error', () => {})
      // The numbers of the descriptors may then be used for something else.
      .once('close', () => {
        this.#open = false
        closeSync(end.socket)
      })
    // Messages may have come before.
    this.#readWaiting()
  }

  /** Sends one message to the supervisor. Throws ERR_SOCKET_PORT_SYSCALL. */
  send(bytes: Uint8Array): void {
    const { socket, wakeUp } = this.#end
    if (!this.#open) throw failure(socket, EPIPE)
    try {
      writeSync(socket, bytes)
    } catch (error) {
      // EAGAIN: the socket is full. All other codes mean that the supervisor has ended.
      throw failure(socket, (error as NodeJS.ErrnoException).code === 'EAGAIN' ? EAGAIN : EPIPE)
    }
    try {
      writeSync(wakeUp, '!')
    } catch {
      // The stream is full, so the supervisor will wake up; or the supervisor has ended.
    }
  }

  #readWaiting(): void {
    const bytes = new Uint8Array(LONGEST)
    try {
      for (;;) {
        const length = readSync(this.#end.socket, bytes)
        if (Buffer.from(bytes.subarray(0, length)).toString() === NEXT) nextServes()
      }
    } catch {
      // EAGAIN: nothing more waits.
    }
  }
}

const failure = (fd: number, errno: number): SocketPortError =>
  new SocketPortError(
    'ERR_SOCKET_PORT_SYSCALL',
    `write failed on fd ${fd} with errno ${errno}: the supervisor cannot be told`,
    { fd, syscall: 'write', errno },
  )
