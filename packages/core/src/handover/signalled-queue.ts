import { closeSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { ChannelEnd } from '../notify/channel-end.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../sockets/constants.ts'
import type { Libc } from '../sockets/libc.ts'
import {
  openQueue,
  type QueueMessage,
  receiveFrom,
  type Sent,
  sendTo,
  shutQueue,
} from './fd-queue.ts'

/**
 * One end of a queue that has a wake-up pipe: a byte in the pipe says that a message waits in the queue. Node's
 * event loop watches a stream socket, but no datagram socket of AF_UNIX; and it would lose the descriptors that
 * come through a stream. Both ends may send.
 */
export type QueueEnd = ChannelEnd

/** Opens a queue to a process that runs already. */
export function openSignalledQueue(libc: Libc): { near: QueueEnd; far: QueueEnd } {
  const { near, far } = openQueue(libc)
  try {
    const [readEnd, writeEnd] = libc.socketPair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
    return { near: { socket: near, wakeUp: writeEnd }, far: { socket: far, wakeUp: readEnd } }
  } catch (error) {
    for (const fd of [near, far]) closeSync(fd)
    throw error
  }
}

/** Sends a message, and writes to the wake-up pipe. */
export function sendAndSignal(
  libc: Libc,
  { socket, wakeUp }: QueueEnd,
  bytes: Uint8Array,
  fds: readonly number[] = [],
): Sent {
  const sent = sendTo(libc, socket, bytes, fds)
  try {
    writeSync(wakeUp, '!')
  } catch {
    // The pipe is full, so a wake-up is pending; or the reader is gone, which the next message will find.
  }
  return sent
}

/** Receives the next message; `undefined` if none waits. */
export type Next = () => QueueMessage | undefined

/** A queue that this process watches. */
export interface QueueWatch {
  /** Resolves when the sender has closed the queue and all was received; this process has then closed its end. */
  readonly ended: Promise<void>
  /** Refuses further messages, calls `receive` for those that wait, and closes the queue; all before it returns. */
  end(receive: (next: Next) => void): void
}

/**
 * Calls `waits` now and when messages have come, with a function that returns the next one, until the sender closes the
 * queue. `failed` gets the error of a callback that rejects; later ones are called all the same. Does not
 * keep the process running.
 */
export function watchQueue(
  libc: Libc,
  { socket, wakeUp }: QueueEnd,
  waits: (next: Next) => Promise<unknown>,
  failed: (error: Error) => void,
): QueueWatch {
  let open = true
  // A callback may run after the close, when the number of the descriptor has been reused.
  const next: Next = () => (open ? receiveFrom(libc, socket) : undefined)
  const close = (): void => {
    if (open) closeSync(socket)
    open = false
  }
  // One callback after the other: each empties the queue.
  let last: Promise<unknown> = Promise.resolve()
  const empty = (): void => {
    last = last.then(() => waits(next)).catch(failed)
  }
  // Messages may have come before.
  empty()
  const readEnd = new Socket({ fd: wakeUp, readable: true, writable: false }).unref()
  const ended = new Promise<void>((resolve) => {
    readEnd
      .on('data', empty)
      .on('error', () => {})
      .once('close', () => {
        empty()
        void last.then(close).then(resolve)
      })
  })
  return {
    ended,
    end(receive) {
      if (!open) return
      try {
        shutQueue(libc, socket)
        receive(next)
      } finally {
        close()
        readEnd.destroy()
      }
    },
  }
}

export function closeQueueEnd({ socket, wakeUp }: QueueEnd): void {
  closeSync(socket)
  closeSync(wakeUp)
}
