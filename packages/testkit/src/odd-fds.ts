import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { check, libc } from './libc.ts'
import { openListener } from './native.ts'
import {
  AF_INET,
  AF_UNIX,
  bind,
  CLOEXEC,
  connect,
  inetAddress,
  type OpenFd,
  once,
  openFd,
  SOCK_DGRAM,
  SOCK_STREAM,
} from './sockets.ts'

/** Kinds of fd that are no listening stream socket. A broken manager might pass one. */
export const ODD_KINDS = [
  'udp',
  'connected',
  'bound',
  'unbound',
  'unix-datagram',
  'pipe',
  'eventfd',
  'file',
] as const

export type OddKind = (typeof ODD_KINDS)[number]

/** Opens an fd on which no server can listen, or on which none should. */
export function openSocket(kind: OddKind): OpenFd {
  if (kind === 'pipe') return openPipe()
  if (kind === 'connected') return openConnected()
  const fd = openSingle(kind)
  return { fd, close: once(() => closeSync(fd)) }
}

function openSingle(kind: Exclude<OddKind, 'pipe' | 'connected'>): number {
  if (kind === 'file') return openSync(fileURLToPath(import.meta.url), 'r')
  if (kind === 'eventfd') return check('eventfd', libc.eventfd(0, CLOEXEC))
  if (kind === 'unix-datagram') return openFd(AF_UNIX, SOCK_DGRAM)
  const fd = openFd(AF_INET, kind === 'udp' ? SOCK_DGRAM : SOCK_STREAM)
  if (kind !== 'unbound') bind(fd, inetAddress(AF_INET, '127.0.0.1', 0))
  return fd
}

function openPipe(): OpenFd {
  const fds = Buffer.alloc(8)
  check('pipe2', libc.pipe2(fds, CLOEXEC))
  const [fd, writer] = [fds.readInt32LE(0), fds.readInt32LE(4)]
  return {
    fd,
    close: once(() => {
      closeSync(fd)
      closeSync(writer)
    }),
  }
}

/** A connected client socket. The kernel completes the handshake, although no process accepts. */
function openConnected(): OpenFd {
  const peer = openListener({ host: '127.0.0.1' })
  const fd = openFd(AF_INET, SOCK_STREAM)
  connect(fd, inetAddress(AF_INET, '127.0.0.1', peer.port))
  return {
    fd,
    close: once(() => {
      closeSync(fd)
      peer.close()
    }),
  }
}
