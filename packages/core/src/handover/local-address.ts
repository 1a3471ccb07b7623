import { unmapped } from '../base/ip-address.ts'
import {
  IFNAMSIZ,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  littleEndian,
  readInt32,
  SO_BINDTODEVICE,
  SOL_SOCKET,
} from '../sockets/constants.ts'
import type { Libc } from '../sockets/libc.ts'
import { parseSockaddr } from '../sockets/sockaddr.ts'

/** The local address of a TCP socket. */
export interface LocalAddress {
  /** Canonical text; an IPv4 address that is mapped into IPv6 is given as IPv4. */
  address: string
  port: number
  /** Number of the interface of a link-local address, otherwise 0. */
  scope: number
  /** Name of the interface that the socket is bound to (SO_BINDTODEVICE), otherwise empty. */
  device: string
}

export interface ListeningAddress extends LocalAddress {
  /** `undefined` if it is not known. */
  ipv6Only: boolean | undefined
}

/** Asks the kernel for the local address of a socket; `undefined` for one that is not TCP over IP. */
export function localAddress(libc: Libc, fd: number): LocalAddress | undefined {
  const name = addressOf(libc.getsockname(fd))
  if (name === undefined) return undefined
  const device = libc.getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, IFNAMSIZ) ?? []
  return { ...name, device: textOf(device) }
}

type Name = Omit<LocalAddress, 'device'>
let last: { bytes: Uint8Array; name: Name | undefined } | undefined

// Thousands of connections in a row have one address, and to format an IPv6 address takes longer than getsockname(2).
function addressOf(bytes: Uint8Array): Name | undefined {
  if (last === undefined || Buffer.compare(last.bytes, bytes) !== 0) {
    last = { bytes, name: readName(bytes) }
  }
  return last.name
}

function readName(bytes: Uint8Array): Name | undefined {
  const { family, address, port } = parseSockaddr(bytes)
  if (address === undefined || port === undefined) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const scope = family === 'IPv6' && bytes.length >= 28 ? view.getUint32(24, littleEndian) : 0
  return { address: unmapped(address), port, scope }
}

/** The local address of a listening socket; `undefined` for one that is not TCP over IP. */
export function listeningAddress(libc: Libc, fd: number): ListeningAddress | undefined {
  const local = localAddress(libc, fd)
  if (local === undefined) return undefined
  const value = readInt32(libc.getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY))
  return { ...local, ipv6Only: value === undefined ? undefined : value === 1 }
}

/** For messages: `127.0.0.1:80` or `[::1]:80`; pure. */
export const localAddressText = ({ address, port }: LocalAddress): string =>
  `${isIPv6(address) ? `[${address}]` : address}:${port}`

const isIPv6 = (address: string): boolean => address.includes(':')

/**
 * How well a listener fits a connection that was made to `local`: the higher, the better, and 0 where
 * the kernel would never give it that connection; pure. The order is the kernel's: an exact address
 * before a wildcard, IPv4's own wildcard before the one of IPv6, and a listener of one interface
 * before that of all (inet_lookup_listener() in net/ipv4/inet_hashtables.c).
 */
export function fit(listener: ListeningAddress, local: LocalAddress): number {
  if (listener.port !== local.port) return 0
  if (listener.device !== '' && listener.device !== local.device) return 0
  const address = fitOfAddress(listener, local)
  return address === 0 ? 0 : 2 * address + (listener.device === '' ? 0 : 1)
}

function fitOfAddress(listener: ListeningAddress, local: LocalAddress): number {
  const { address, scope } = listener
  if (address === local.address) return scope === 0 || scope === local.scope ? 3 : 0
  const v6 = isIPv6(local.address)
  if (address === (v6 ? '::' : '0.0.0.0')) return 2
  // If it is not known, let the connection wait, so that it does not reach the wrong server.
  return !v6 && address === '::' && listener.ipv6Only === false ? 1 : 0
}

function textOf(bytes: ArrayLike<number>): string {
  if (bytes.length === 0) return ''
  const text = Buffer.from(bytes).toString()
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}
