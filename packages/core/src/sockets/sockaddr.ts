import { canonicalIPv6 } from '../base/ip-address.ts'
import { kernelPath } from '../proc/sockets.ts'
import { AF_INET, AF_INET6, AF_UNIX, littleEndian } from './constants.ts'

export interface ParsedAddress {
  family: 'IPv4' | 'IPv6' | 'unix' | undefined
  address?: string
  port?: number
  path?: string
}

/** Reads a Linux `struct sockaddr` as getsockname(2) fills it; pure. */
export function parseSockaddr(bytes: Uint8Array, little: boolean = littleEndian): ParsedAddress {
  if (bytes.length < 2) return { family: undefined }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (view.getUint16(0, little)) {
    case AF_INET:
      return { family: 'IPv4', port: view.getUint16(2), address: bytes.subarray(4, 8).join('.') }
    case AF_INET6:
      return { family: 'IPv6', port: view.getUint16(2), address: ipv6(bytes.subarray(8, 24)) }
    case AF_UNIX:
      return { family: 'unix', ...unixPath(bytes.subarray(2)) }
    default:
      return { family: undefined }
  }
}

/** A `struct sockaddr_in` or `sockaddr_in6` for an address in network order; pure. */
export function inetSockaddr(
  bytes: Uint8Array,
  port: number,
  scope = 0,
  little: boolean = littleEndian,
): Uint8Array {
  const isIPv4 = bytes.length === 4
  const sockaddr = new Uint8Array(isIPv4 ? 16 : 28)
  const view = new DataView(sockaddr.buffer)
  view.setUint16(0, isIPv4 ? AF_INET : AF_INET6, little)
  view.setUint16(2, port)
  sockaddr.set(bytes, isIPv4 ? 4 : 8)
  if (!isIPv4) view.setUint32(24, scope, little)
  return sockaddr
}

/** A `struct sockaddr_un`. A path that starts with NUL is abstract and gets no NUL at its end. Pure. */
export function unixSockaddr(path: string, little: boolean = littleEndian): Uint8Array {
  const bytes = Buffer.from(path)
  const sockaddr = new Uint8Array(2 + bytes.length + (path.startsWith('\0') ? 0 : 1))
  new DataView(sockaddr.buffer).setUint16(0, AF_UNIX, little)
  sockaddr.set(bytes, 2)
  return sockaddr
}

/** The canonical text (RFC 5952) of an IPv6 address of sixteen bytes. */
export function ipv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  return canonicalIPv6(groups.join(':'))
}

// An abstract name (unix(7)) starts with NUL; an unnamed socket has no bytes at all.
function unixPath(name: Uint8Array): { path?: string } {
  if (name.length === 0) return {}
  const text = Buffer.from(name).toString()
  if (text.startsWith('\0')) return { path: kernelPath(text) }
  const end = text.indexOf('\0')
  return { path: end < 0 ? text : text.slice(0, end) }
}
