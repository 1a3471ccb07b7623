import { closeSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Libc } from '../sockets/libc.ts'
import { openLine, type Received, receiveFrom, type Sent, sendThrough } from './line.ts'

const O_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000

/**
 * A line with a pipe beside it that rings when something waits: Node's event loop watches a pipe, but
 * no datagram socket of AF_UNIX, and would lose the descriptors of a stream.
 */
export interface LineEnd {
  socket: number
  bell: number
}

/** The ends of a line to a process that runs. */
export function openBellLine(libc: Libc): { near: LineEnd; far: LineEnd } {
  const { near, far } = openLine(libc)
  const [ear, button] = libc.pipe(O_NONBLOCK_CLOEXEC)
  return { near: { socket: near, bell: button }, far: { socket: far, bell: ear } }
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

/**
 * Calls back when something waits, with what gets the next message, until the near end is closed;
 * resolves then. The ends are closed. Does not keep the process alive.
 */
export function hear(
  libc: Libc,
  { socket, bell }: LineEnd,
  waits: (next: () => Received | undefined) => Promise<unknown>,
): Promise<void> {
  const next = (): Received | undefined => receiveFrom(libc, socket)
  // One after the other: each empties the line.
  let last: Promise<unknown> = Promise.resolve()
  const empty = (): void => {
    last = last.then(() => waits(next))
  }
  const ear = new Socket({ fd: bell, readable: true, writable: false }).unref()
  return new Promise((resolve) => {
    ear
      .on('data', empty)
      .on('error', () => {})
      .once('close', () => {
        empty()
        last.finally(() => {
          closeSync(socket)
          resolve()
        })
      })
  })
}

export function closeEnd({ socket, bell }: LineEnd): void {
  closeSync(socket)
  closeSync(bell)
}
