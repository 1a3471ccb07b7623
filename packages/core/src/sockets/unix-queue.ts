import { closeSync } from 'node:fs'
import { AF_NETLINK, AF_UNIX, littleEndian, SOCK_CLOEXEC, SOCK_DGRAM } from './constants.ts'
import type { Libc } from './libc.ts'

const NETLINK_SOCK_DIAG = 4
const SOCK_DIAG_BY_FAMILY = 20
const NLM_F_REQUEST = 1
const ALL_STATES = 0xffffffff
const UDIAG_SHOW_RQLEN = 0x10
const UNIX_DIAG_RQLEN = 4
const HEADER = 16
const REQUEST = 24
const REPLY = 16

/**
 * The accept queue of a listening unix socket, found by its inode; `undefined` where the kernel does not
 * report it.
 *
 * There is no socket option for it. sock_diag(7) is the only way; `ss -xl` uses it too.
 */
export function unixQueue(
  libc: Libc,
  inode: number,
): { backlog: number; queueLength: number } | undefined {
  let fd: number | undefined
  try {
    fd = libc.socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
    libc.send(fd, request(inode))
    return reply(libc.receive(fd, 4096))
  } catch {
    return undefined // the kernel was built without unix_diag, or a sandbox forbids netlink
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function request(inode: number): Uint8Array {
  const bytes = new Uint8Array(HEADER + REQUEST)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length, littleEndian)
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, littleEndian)
  view.setUint16(6, NLM_F_REQUEST, littleEndian)
  view.setUint8(16, AF_UNIX)
  view.setUint32(20, ALL_STATES, littleEndian)
  view.setUint32(24, inode, littleEndian)
  view.setUint32(28, UDIAG_SHOW_RQLEN, littleEndian)
  view.setUint32(32, 0xffffffff, littleEndian) // the cookie, twice: any
  view.setUint32(36, 0xffffffff, littleEndian)
  return bytes
}

function reply(bytes: Uint8Array): { backlog: number; queueLength: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEADER + REPLY) return undefined
  if (view.getUint16(4, littleEndian) !== SOCK_DIAG_BY_FAMILY) return undefined
  for (let at = HEADER + REPLY; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, littleEndian)
    if (view.getUint16(at + 2, littleEndian) === UNIX_DIAG_RQLEN && at + 12 <= bytes.length) {
      return {
        queueLength: view.getUint32(at + 4, littleEndian),
        backlog: view.getUint32(at + 8, littleEndian),
      }
    }
    if (length < 4) return undefined
    at += (length + 3) & ~3
  }
  return undefined
}
