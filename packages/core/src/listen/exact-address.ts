import { isAddress } from '../base/ip-address.ts'
import { overlap } from '../proc/overlap.ts'
import type { Candidate } from './candidate.ts'
import { hasAddress, type Wanted } from './match.ts'

/**
 * Whether the socket has the port or path that is asked for, and would prevent a bind of it. A socket on another
 * address of the same port is for other clients. Pure.
 */
export const hasExactAddress =
  (wanted: Wanted) =>
  (socket: Candidate): boolean =>
    hasAddress(wanted)(socket) && (socket.family === 'unix' || covers(socket, wanted))

function covers(socket: Candidate, { host, ipv6Only }: Wanted): boolean {
  const addresses = host === 'localhost' ? ['127.0.0.1', '::1'] : [host]
  return addresses.some(
    (address) =>
      // A host name may resolve to the address of the socket.
      (address !== undefined && !isAddress(address)) ||
      overlap({ address, ipv6Only }, socket) !== 'none',
  )
}
