import { isIP } from 'node:net'
import type { Logger } from '../base/types.ts'
import { hasAddress, matchSocket } from '../listen/match.ts'
import { type ResolvedListen, resolveListen } from '../listen/options.ts'
import type { Entry } from '../listen/passed-sockets.ts'
import { inheritedEntries } from '../listen/socket-registry.ts'
import { overlap } from '../proc/overlap.ts'
import type { ListenCall } from '../service/node-listen.ts'

/** What the preload knows about the socket of a server. */
export type Answer =
  /** The manager passed a socket with the address that the server asks for. */
  | { kind: 'passed'; entry: Entry }
  /** The manager passed other sockets: these. */
  | { kind: 'other'; kept: readonly Entry[] }
  /** No manager passed a socket. */
  | { kind: 'none' }

/**
 * Returns the socket that this process has for the address of a call of `listen`. A socket with another port or path
 * never fits, even if it is the only one: with that rule of `serve`, a metrics server that listens first
 * would be served on the public port. `isFree` tells whether no server has the socket.
 */
export function whichSocket(
  { options }: ListenCall,
  isFree: (entry: Entry) => boolean,
  logger: Logger,
): Answer {
  const passed = inheritedEntries(logger).filter(
    ({ origin, state }) => origin === 'passed' && state.kind !== 'unusable',
  )
  if (passed.length === 0) return { kind: 'none' }
  const wanted = resolveListen({ ...options, shared: true, logger })
  const there = passed.filter(
    (entry) => hasAddress(wanted)(entry) && covers(entry, wanted) && isFree(entry),
  )
  const match = there.length > 0 ? matchSocket(wanted, there) : undefined
  if (match?.kind === 'match') return { kind: 'passed', entry: match.socket }
  if (match?.kind === 'ambiguous') return { kind: 'passed', entry: match.candidates[0] as Entry }
  return { kind: 'other', kept: passed }
}

// A socket on another address of the same port is for other clients. Where a host name leads is not known.
function covers(entry: Entry, { host, ipv6Only }: ResolvedListen): boolean {
  if (entry.family === 'unix') return true
  const addresses = host === 'localhost' ? ['127.0.0.1', '::1'] : [host]
  return addresses.some(
    (address) =>
      (address !== undefined && isIP(address) === 0) ||
      overlap({ address, ipv6Only }, entry) !== 'none',
  )
}
