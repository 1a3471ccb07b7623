import { closeSync, fstatSync, type Stats } from 'node:fs'
import type { SocketPortError } from '../base/errors.ts'
import {
  F_DUPFD_CLOEXEC,
  F_SETFD,
  FD_CLOEXEC,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  littleEndian,
  readInt32,
  SHUT_RDWR,
  SO_ACCEPTCONN,
  SO_TYPE,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_INFO,
} from './constants.ts'
import type { SocketFacts, SocketSystem } from './facts.ts'
import type { Libc } from './libc.ts'
import { parseSockaddr } from './sockaddr.ts'
import { unixQueue } from './unix-queue.ts'

// Since Linux 6.9 each pidfd has an inode number of its own. Before, all share one small number.
const PIDFS_FIRST_INODE = 2n ** 32n

/** Queries and duplicates sockets through libc. */
export function nativeSystem(libc: Libc): SocketSystem {
  return {
    describe: (fd) => whyNotSocket(fd) ?? askSocket(libc, fd),
    duplicate: (fd) => libc.fcntl(fd, F_DUPFD_CLOEXEC, 3),
    setCloseOnExec: (fd) => void libc.fcntl(fd, F_SETFD, FD_CLOEXEC),
    shutDown: (fd) => void libc.shutdown(fd, SHUT_RDWR),
    pidfdInode() {
      const fd = libc.pidfdOpen(process.pid)
      if (fd === undefined) return undefined
      try {
        const { ino } = fstatSync(fd, { bigint: true })
        return ino >= PIDFS_FIRST_INODE ? ino : undefined
      } finally {
        closeSync(fd)
      }
    },
  }
}

/** Says why `fd` is not a socket; `undefined` when it is one. */
export function whyNotSocket(fd: number): string | undefined {
  let stats: Stats
  try {
    stats = fstatSync(fd)
  } catch {
    return 'is not open'
  }
  if (stats.isSocket()) return undefined
  if (stats.isFIFO()) return 'is a pipe, not a socket'
  if (stats.isFile()) return 'is a file, not a socket'
  if (stats.isDirectory()) return 'is a directory, not a socket'
  if (stats.isCharacterDevice()) return 'is a device, not a socket'
  return 'is not a socket'
}

function askSocket(libc: Libc, fd: number): SocketFacts | string {
  try {
    return factsOf(libc, fd)
  } catch (error) {
    // fstat(2) calls an O_PATH descriptor a socket, but no socket call accepts it. AF_ALG has no getsockname(2).
    const { syscall, errno } = error as SocketPortError
    return `cannot be examined (${syscall}: errno ${errno})`
  }
}

function factsOf(libc: Libc, fd: number): SocketFacts {
  const { family, address, port, path } = parseSockaddr(libc.getsockname(fd))
  const listening = readInt32(libc.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN)) === 1
  const facts: SocketFacts = {
    family,
    stream: readInt32(libc.getsockopt(fd, SOL_SOCKET, SO_TYPE)) === SOCK_STREAM,
    listening,
    address,
    port,
    path,
    ipv6Only:
      family === 'IPv6'
        ? readInt32(libc.getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY)) === 1
        : undefined,
    backlog: undefined,
    queueLength: undefined,
  }
  return listening ? { ...facts, ...queueOf(libc, fd, family) } : facts
}

type Queue = Pick<SocketFacts, 'backlog' | 'queueLength'>

// For a listener, tcp_info(7) reuses two fields: tcpi_unacked is the accept queue's length and
// tcpi_sacked its limit (tcp_get_info in net/ipv4/tcp.c).
function queueOf(libc: Libc, fd: number, family: SocketFacts['family']): Queue {
  if (family === 'unix') return unixQueue(libc, fstatSync(fd).ino) ?? noQueue
  const info = libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, 32)
  if (info === undefined || info.length < 32) return noQueue
  const view = new DataView(info.buffer, info.byteOffset)
  return {
    queueLength: view.getUint32(24, littleEndian),
    backlog: view.getUint32(28, littleEndian),
  }
}

const noQueue: Queue = { backlog: undefined, queueLength: undefined }
