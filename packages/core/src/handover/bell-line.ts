import { closeSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { ChannelEnd } from '../notify/channel-end.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../sockets/constants.ts'
import type { Libc } from '../sockets/libc.ts'
import { openLine, type Received, receiveFrom, type Sent, sendThrough, shutLine } from './line.ts'

/**
 * A line with a stream beside it that rings when something waits: Node's event loop watches a stream,
 * but no datagram socket of AF_UNIX, and would lose the descriptors of a stream. Both ends may ring.
 */
export type LineEnd = ChannelEnd

/** Opens a queue to a process that runs already. */
export function openBellLine(libc: Libc): { near: LineEnd; far: LineEnd } {
  const { near, far } = openLine(libc)
  try {
    const [ear, button] = libc.socketPair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
    return { near: { socket: near, bell: button }, far: { socket: far, bell: ear } }
  } catch (error) {
    for (const fd of [near, far]) closeSync(fd)
    throw error
  }
}

/** Sends a message, and writes to the wake-up pipe. */
export function sendAndRing(
  libc: Libc,
  { socket, bell }: LineEnd,
  bytes: Uint8Array,
  fds: readonly number[] = [],
): Sent {
  const sent = sendThrough(libc, socket, bytes, fds)
  try {
    writeSync(bell, '!')
  } catch {
    // The pipe is full, so a wake-up is pending; or the reader is gone, which the next message will find.
  }
  return sent
}

/** Gets the next message; `undefined` where none waits. */
export type Next = () => Received | undefined

/** A queue that this process watches. */
export interface Hearing {
  /** Resolves when the sender has closed the queue and all was taken; this process has then closed its end. */
  readonly ended: Promise<void>
  /** Refuses further messages, calls `take` for those that wait, and closes; all before it returns. */
  end(take: (next: Next) => void): void
}

/**
 * Calls `waits` when messages wait, with a function that returns the next one, until the sender closes the
 * queue. `failed` gets the error of a callback that rejects; later ones are called all the same. Does not
 * keep the process running.
 */
export function hear(
  libc: Libc,
  { socket, bell }: LineEnd,
  waits: (next: Next) => Promise<unknown>,
  failed: (error: Error) => void,
): Hearing {
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
  const ear = new Socket({ fd: bell, readable: true, writable: false }).unref()
  const ended = new Promise<void>((resolve) => {
    ear
      .on('data', empty)
      .on('error', () => {})
      .once('close', () => {
        empty()
        void last.then(close).then(resolve)
      })
  })
  return {
    ended,
    end(take) {
      if (!open) return
      try {
        shutLine(libc, socket)
        take(next)
      } finally {
        close()
        ear.destroy()
      }
    },
  }
}

export function closeEnd({ socket, bell }: LineEnd): void {
  closeSync(socket)
  closeSync(bell)
}
