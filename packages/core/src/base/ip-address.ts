import { isIP } from 'node:net'

/**
 * The canonical text of an IPv6 address (RFC 5952), as `server.address()` has it: libuv formats both. The class is read
 * here and not at the top, because Node loads the module behind it only then, and most starts need none.
 */
export const canonicalIPv6 = (address: string): string => {
  const { SocketAddress } = process.getBuiltinModule('node:net')
  return new SocketAddress({ address, family: 'ipv6' }).address
}

/** Whether a socket that is bound to the address serves every address of its family. */
export const isWildcard = (address: string): boolean => address === '::' || address === '0.0.0.0'

/** An IPv4 address that is mapped into IPv6 (RFC 4291, 2.5.5.2), as IPv4; any other as it is. */
export const unmapped = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')

/** An address without its zone, the network interface of a link-local one (RFC 4007): `fe80::1` of `fe80::1%eth0`. */
export const withoutZone = (address: string): string => address.split('%', 1)[0] ?? ''

/** Whether a host is an IP address, with a zone or without, and not a name that must be looked up. */
export const isAddress = (host: string): boolean => isIP(withoutZone(host)) > 0
