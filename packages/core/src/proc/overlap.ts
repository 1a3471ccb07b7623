import { isIPv4 } from 'node:net'
import { isWildcard, unmapped, withoutZone } from '../base/ip-address.ts'

/** Where a TCP socket is to be bound, on a port that is known. */
export interface BindPlace {
  /** An IP address; `undefined` for every address of both families. */
  address: string | undefined
  ipv6Only: boolean
}

/**
 * Whether a listening socket prevents a bind of the same port. `'possible'`: that depends on its
 * IPV6_V6ONLY, which the system does not show for sockets of other processes.
 */
export type Overlap = 'certain' | 'possible' | 'none'

/** Returns how a bind to the place and a socket that listens on its port overlap; pure. */
export function overlap(
  place: BindPlace,
  socket: { address?: string | undefined; ipv6Only?: boolean | undefined },
): Overlap {
  // An unknown address counts as a conflict.
  if (socket.address === undefined) return 'certain'
  const wanted = plain(place.address ?? '::')
  const taken = plain(socket.address)
  if (isIPv4(wanted) === isIPv4(taken)) {
    return wanted === taken || isWildcard(wanted) || isWildcard(taken) ? 'certain' : 'none'
  }
  // One of the two is IPv6: it covers IPv4 too where it is the wildcard and not for IPv6 alone.
  if (isIPv4(taken)) return wanted === '::' && !place.ipv6Only ? 'certain' : 'none'
  if (taken !== '::' || socket.ipv6Only === true) return 'none'
  return socket.ipv6Only === false ? 'certain' : 'possible'
}

// A mapped address is an IPv4 one to the kernel. A zone (RFC 4007) is not shown of listening sockets.
const plain = (address: string): string => unmapped(withoutZone(address)).toLowerCase()
