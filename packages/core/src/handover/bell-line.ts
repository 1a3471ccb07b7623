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

/** The ends of a line to a process that runs. */
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

/** Sends through the line and rings. */
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
    // It rings already, or nobody hears it, which the next message will find.
  }
  return sent
}

/** Gets the next message; `undefined` where none waits. */
export type Next = () => Received | undefined

/** The far end of a line, heard. */
export interface Hearing {
  /** Resolves when nothing comes any more; the ends of this process are closed then. */
  readonly ended: Promise<void>
  /** Lets nobody send any more, has what waits taken, and closes, all before it returns. */
  end(take: (next: Next) => void): void
}

/**
 * Calls back when something waits, with what gets the next message, until the near end is closed.
 * `failed` is told when a callback rejects; the next one is called all the same. Does not keep the
 * process alive.
 */
export function hear(
  libc: Libc,
  { socket, bell }: LineEnd,
  waits: (next: Next) => Promise<unknown>,
  failed: (error: Error) => void,
): Hearing {
  let open = true
  // A callback may still run when the descriptor belongs to something else.
  const next: Next = () => (open ? receiveFrom(libc, socket) : undefined)
  const close = (): void => {
    if (open) closeSync(socket)
    open = false
  }
  // One after the other: each empties the line.
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
