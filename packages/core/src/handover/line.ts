import { closeSync } from 'node:fs'
import type { SocketPortError } from '../errors.ts'
import { controlSize, MOST_FDS, passFds, readAncillary } from '../sockets/ancillary.ts'
import {
  AF_UNIX,
  EAGAIN,
  ECONNREFUSED,
  EPIPE,
  F_DUPFD_CLOEXEC,
  int32,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  readInt32,
  SHUT_RD,
  SO_DOMAIN,
  SO_SNDBUF,
  SO_TYPE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from '../sockets/constants.ts'
import type { Libc } from '../sockets/libc.ts'

// Of datagrams: whoever keeps the far end sees no hang-up when the near end is closed, and each
// message comes whole, with its descriptors. Between a pair, net.unix.max_dgram_qlen does not apply.
const DATAGRAMS = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK
// At net.core.wmem_max at most. The default of 208 KiB lets some 70,000 descriptors wait.
const SEND_BUFFER = 4 * 1024 * 1024

// More than any label needs.
const LONGEST = 1024
// Descriptors for which there is room from the first full message on: 128 KiB of the kernel's memory.
const ROOM = 16 * 1024

/** The two ends of a line between two generations: connections wait in it until they are received. */
export function openLine(libc: Libc): { near: number; far: number } {
  const [near, far] = libc.socketPair(AF_UNIX, DATAGRAMS)
  try {
    libc.setsockopt(near, SOL_SOCKET, SO_SNDBUF, int32(SEND_BUFFER))
  } catch (error) {
    for (const fd of [near, far]) closeSync(fd)
    throw error
  }
  return { near, far }
}

/** Throws unless the descriptor may be an end of a line. */
export function checkLine(libc: Libc, fd: number): void {
  const option = (name: number): number | undefined =>
    readInt32(libc.getsockopt(fd, SOL_SOCKET, name))
  if (option(SO_DOMAIN) === AF_UNIX && option(SO_TYPE) === SOCK_DGRAM) return
  throw new Error('it is no datagram socket of AF_UNIX')
}

/**
 * Lets nobody send through the line any more; what waits in it can still be received. For every
 * process that holds this end.
 */
export const shutLine = (libc: Libc, far: number): void => libc.shutdown(far, SHUT_RD)

/** What became of a message: `full`, there is no room; `gone`, nobody receives at the other end. */
export type Sent = 'sent' | 'full' | 'gone'

/** Sends bytes and descriptors, 253 at most; they stay the caller's. */
export function sendThrough(
  libc: Libc,
  near: number,
  bytes: Uint8Array,
  fds: readonly number[] = [],
): Sent {
  try {
    libc.sendMessage(near, { bytes, control: passFds(fds) }, MSG_DONTWAIT)
    return 'sent'
  } catch (error) {
    // EAGAIN, ENOBUFS, ETOOMANYREFS: the kernel holds as much as it will.
    const { errno } = error as SocketPortError
    return errno === ECONNREFUSED || errno === EPIPE ? 'gone' : 'full'
  }
}

export interface Received {
  bytes: Uint8Array
  /** They are the caller's. */
  fds: number[]
  /** The kernel has closed what this process may not have open beyond them (RLIMIT_NOFILE). */
  truncated: boolean
}

/** The next message that waits; `undefined` where there is none. */
export function receiveFrom(libc: Libc, far: number): Received | undefined {
  try {
    const size = { bytes: LONGEST, control: controlSize(MOST_FDS) }
    const { bytes, control, flags } = libc.receiveMessage(far, size, MSG_DONTWAIT)
    const { fds } = readAncillary(control)
    if (fds.length === MOST_FDS) makeRoom(libc, far)
    return { bytes, fds, truncated: (flags & MSG_CTRUNC) !== 0 }
  } catch (error) {
    if ((error as SocketPortError).errno === EAGAIN) return undefined
    throw error
  }
}

let roomMade = false

// Where there are threads, the kernel waits for all processors each time that it doubles the table of
// descriptors (expand_fdtable() in fs/file.c), ten milliseconds or more: so all at once.
function makeRoom(libc: Libc, fd: number): void {
  if (roomMade) return
  roomMade = true
  try {
    closeSync(libc.fcntl(fd, F_DUPFD_CLOEXEC, ROOM - 1))
  } catch {
    // The limit of open files is lower.
  }
}
