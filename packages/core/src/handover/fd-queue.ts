import { closeSync } from 'node:fs'
import type { SocketPortError } from '../base/errors.ts'
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
  MSG_TRUNC,
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

// Datagrams: the process that keeps the far end sees no hang-up when the near end is closed, and each message
// arrives whole, with its descriptors. net.unix.max_dgram_qlen does not apply to a socketpair.
const DATAGRAMS = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK
// The kernel caps it at net.core.wmem_max. With the default of 208 KiB some 70,000 descriptors can wait.
const SEND_BUFFER = 4 * 1024 * 1024

/** The longest message in bytes. The rest of a longer one is cut. */
export const LONGEST_HEADER = 1024
// The size of the descriptor table after the first full message: 128 KiB of kernel memory.
const TABLE_SIZE = 16 * 1024

/** Opens a queue between two processes: a socketpair in which connections wait until they are received. */
export function openQueue(libc: Libc): { near: number; far: number } {
  const [near, far] = libc.socketPair(AF_UNIX, DATAGRAMS)
  try {
    libc.setsockopt(near, SOL_SOCKET, SO_SNDBUF, int32(SEND_BUFFER))
  } catch (error) {
    for (const fd of [near, far]) closeSync(fd)
    throw error
  }
  return { near, far }
}

/** Throws if the descriptor cannot be the end of a queue. */
export function checkQueue(libc: Libc, fd: number): void {
  const option = (name: number): number | undefined =>
    readInt32(libc.getsockopt(fd, SOL_SOCKET, name))
  if (option(SO_DOMAIN) === AF_UNIX && option(SO_TYPE) === SOCK_DGRAM) return
  throw new Error('it is no datagram socket of AF_UNIX')
}

/**
 * Refuses further messages, for every process that holds this end. Messages that wait can still be received.
 */
export const shutQueue = (libc: Libc, far: number): void => libc.shutdown(far, SHUT_RD)

/** The outcome of a send. `full`: the queue has no room. `gone`: its other end is closed. */
export type Sent = 'sent' | 'full' | 'gone'

/** Sends bytes and at most 253 descriptors. The caller still owns its descriptors. */
export function sendTo(
  libc: Libc,
  near: number,
  bytes: Uint8Array,
  fds: readonly number[] = [],
): Sent {
  try {
    libc.sendMessage(near, { bytes, control: passFds(fds) }, MSG_DONTWAIT)
    return 'sent'
  } catch (error) {
    // EAGAIN, ENOBUFS, ETOOMANYREFS: the kernel takes no more.
    const { errno } = error as SocketPortError
    return errno === ECONNREFUSED || errno === EPIPE ? 'gone' : 'full'
  }
}

export interface QueueMessage {
  bytes: Uint8Array
  /** The caller owns them. */
  fds: number[]
  /** The message had more bytes than {@link LONGEST_HEADER}. */
  bytesCut: boolean
  /** The kernel closed further descriptors, because of the limit of open files (RLIMIT_NOFILE). */
  fdsCut: boolean
}

/** Receives the next message; `undefined` if none waits. */
export function receiveFrom(libc: Libc, far: number): QueueMessage | undefined {
  try {
    const size = { bytes: LONGEST_HEADER, control: controlSize(MOST_FDS) }
    const { bytes, control, flags } = libc.receiveMessage(far, size, MSG_DONTWAIT)
    const { fds } = readAncillary(control)
    if (fds.length === MOST_FDS) growTable(libc, far)
    return {
      bytes,
      fds,
      bytesCut: (flags & MSG_TRUNC) !== 0,
      fdsCut: (flags & MSG_CTRUNC) !== 0,
    }
  } catch (error) {
    if ((error as SocketPortError).errno === EAGAIN) return undefined
    throw error
  }
}

let tableGrown = false

// In a process with threads the kernel waits for all processors, ten milliseconds or more, each time that it
// doubles the descriptor table (expand_fdtable() in fs/file.c). So grow the table once.
function growTable(libc: Libc, fd: number): void {
  if (tableGrown) return
  tableGrown = true
  try {
    closeSync(libc.fcntl(fd, F_DUPFD_CLOEXEC, TABLE_SIZE - 1))
  } catch {
    // The limit of open files is lower than that.
  }
}
