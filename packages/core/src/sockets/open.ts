import { closeSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import { getSystemErrorMap } from 'node:util'
import type { SocketPortError } from '../base/errors.ts'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  EACCES,
  ENOENT,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  int32,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from './constants.ts'
import type { Libc } from './libc.ts'
import { inetSockaddr, unixSockaddr } from './sockaddr.ts'

/** Where a socket listens: an IP address and a port, or a path as Node takes it. */
export type Place = { address: string; port: number } | { path: string }

export interface OpenOptions {
  backlog: number
  ipv6Only: boolean
  reusePort: boolean
}

/**
 * Opens a close-on-exec socket that listens, and accepts nothing from it. On failure it closes the
 * socket and throws the error that Node's `listen` would: with `code`, `errno` and `syscall`.
 */
export function openListener(libc: Libc, place: Place, options: OpenOptions): number {
  const family = 'path' in place ? AF_UNIX : isIPv4(place.address) ? AF_INET : AF_INET6
  let fd: number | undefined
  try {
    fd = libc.socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)
    // libuv sets it too (uv__tcp_bind). Without it, connections in TIME_WAIT block the port for a minute.
    if (family !== AF_UNIX) libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, int32(1))
    // Set it in any case: the default depends on the machine (net.ipv6.bindv6only).
    if (family === AF_INET6) {
      libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, int32(options.ipv6Only ? 1 : 0))
    }
    if (options.reusePort) libc.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, int32(1))
    libc.bind(fd, sockaddr(libc, place))
    libc.listen(fd, options.backlog)
    return fd
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    throw asNode(error as SocketPortError, place)
  }
}

function sockaddr(libc: Libc, place: Place): Uint8Array {
  if ('path' in place) return unixSockaddr(place.path)
  const [address = '', zone] = place.address.split('%')
  const bytes = libc.addressBytes(isIPv6(address) ? AF_INET6 : AF_INET, address)
  const length = isIPv6(address) ? 16 : 4
  return inetSockaddr(
    bytes?.subarray(0, length) ?? new Uint8Array(length),
    place.port,
    scopeOf(libc, zone),
  )
}

// `fe80::1%eth0` names the interface, `fe80::1%2` gives its number (RFC 4007). An interface that does
// not exist gives 0, which the kernel refuses for a link-local address.
function scopeOf(libc: Libc, zone: string | undefined): number {
  if (zone === undefined) return 0
  return libc.interfaceIndex(zone) || (/^\d{1,9}$/.test(zone) ? Number(zone) : 0)
}

function asNode(error: SocketPortError, place: Place): NodeJS.ErrnoException {
  if (error.errno === undefined) return error
  // libuv reports EACCES when the directory does not exist (uv_pipe_bind2).
  const errno = 'path' in place && error.errno === ENOENT ? EACCES : error.errno
  const [code, reason] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown']
  const where = 'path' in place ? place.path : `${place.address}:${place.port}`
  return Object.assign(new Error(`listen ${code}: ${reason} ${where}`), {
    code,
    errno: -errno,
    syscall: 'listen',
    ...place,
  })
}
