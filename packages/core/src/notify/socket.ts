import { closeSync } from 'node:fs'
import { SocketPortError } from '../base/errors.ts'
import { passFds } from '../sockets/ancillary.ts'
import {
  AF_UNIX,
  AF_VSOCK,
  ENODEV,
  EOPNOTSUPP,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  littleEndian,
  MSG_DONTWAIT,
  SO_SNDTIMEO,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  timeval,
} from '../sockets/constants.ts'
import type { Libc } from '../sockets/libc.ts'
import { unixSockaddr } from '../sockets/sockaddr.ts'
import type { NotifyAddress } from './address.ts'

// From <linux/vm_sockets.h>; its level is the address family. It takes a struct timeval.
const SO_VM_SOCKETS_CONNECT_TIMEOUT = 6

// connect(2) blocks the event loop. The host of a virtual machine answers at once or never.
const CONNECT_MICROSECONDS = 250_000

const NO_SUCH_TYPE = [ENODEV, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EOPNOTSUPP]

const SOCKET_TYPES = { dgram: SOCK_DGRAM, seqpacket: SOCK_SEQPACKET, stream: SOCK_STREAM }

/** One message to a manager: its bytes, and the descriptors that go with it. */
export interface Datagram {
  bytes: Uint8Array
  fds: readonly number[]
}

/**
 * Sends one datagram from a new socket, so that a manager that was replaced meanwhile is found under
 * the same address. Never waits for room. Throws ERR_SOCKET_PORT_SYSCALL.
 */
export function sendDatagram(libc: Libc, address: NotifyAddress, { bytes, fds }: Datagram): void {
  const fd = address.kind === 'unix' ? connectUnix(libc, address.path) : connectVsock(libc, address)
  try {
    libc.sendMessage(fd, { bytes, control: passFds(fds) }, MSG_DONTWAIT)
  } finally {
    closeSync(fd)
  }
}

function connectUnix(libc: Libc, path: string): number {
  return connected(libc, libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), () =>
    unixSockaddr(path),
  )
}

type Vsock = Extract<NotifyAddress, { kind: 'vsock' }>

function connectVsock(libc: Libc, { cid, port, type }: Vsock): number {
  const wanted =
    type === undefined ? [SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM] : [SOCKET_TYPES[type]]
  let failure: unknown
  for (const each of wanted) {
    try {
      return connected(libc, libc.socket(AF_VSOCK, each | SOCK_CLOEXEC, 0), (fd) => {
        const timeout = timeval(0, CONNECT_MICROSECONDS)
        libc.setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, timeout)
        libc.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, timeout)
        return vsockAddress(cid, port)
      })
    } catch (error) {
      failure = error
      // Many virtual machines lack datagrams, some lack packets, and some kernels notice only at
      // connect(2). Then the next type is tried, as sd_notify(3) does.
      if (!(error instanceof SocketPortError && NO_SUCH_TYPE.includes(error.errno ?? 0)))
        throw error
    }
  }
  throw failure
}

function connected(libc: Libc, fd: number, prepare: (fd: number) => Uint8Array): number {
  try {
    libc.connect(fd, prepare(fd))
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** A `struct sockaddr_vm` of <linux/vm_sockets.h>. */
function vsockAddress(cid: number, port: number): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, AF_VSOCK, littleEndian)
  view.setUint32(4, port, littleEndian)
  view.setUint32(8, cid, littleEndian)
  return bytes
}
