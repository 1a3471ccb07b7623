import { SocketAddress } from 'node:net'
import { kernelPath } from '../proc/sockets.ts'

export interface ParsedAddress {
  family: 'IPv4' | 'IPv6' | 'unix' | undefined
  address?: string
  port?: number
  path?: string
}

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10

/** Reads a Linux `struct sockaddr` as getsockname(2) fills it; pure. */
export function parseSockaddr(bytes: Uint8Array, littleEndian: boolean): ParsedAddress {
  if (bytes.length < 2) return { family: undefined }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (view.getUint16(0, littleEndian)) {
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

/** Sixteen bytes as the canonical text of RFC 5952. */
export function ipv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}

// An abstract name (unix(7)) starts with NUL; an unnamed socket has no bytes at all.
function unixPath(name: Uint8Array): { path?: string } {
  if (name.length === 0) return {}
  const text = Buffer.from(name).toString()
  if (text.startsWith('\0')) return { path: kernelPath(text) }
  const end = text.indexOf('\0')
  return { path: end < 0 ? text : text.slice(0, end) }
}
