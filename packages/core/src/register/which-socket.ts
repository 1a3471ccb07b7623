import type { Logger } from '../base/types.ts'
import { askForSocket, isColdStart } from '../listen/asked-sockets.ts'
import { socketAddress } from '../listen/candidate.ts'
import { hasExactAddress } from '../listen/exact-address.ts'
import { matchSocket } from '../listen/match.ts'
import { resolveListen } from '../listen/options.ts'
import type { Entry } from '../listen/passed-sockets.ts'
import { inheritedEntries } from '../listen/socket-registry.ts'
import type { ListenCall } from '../service/node-listen.ts'

/** What the preload knows about the socket of a server. */
export type Answer =
  /** The manager passed a socket with the address that the server asks for. */
  | { kind: 'passed'; entry: Entry }
  /** The manager has other sockets. `kept` are their addresses, `passed` those that it has passed. */
  | { kind: 'other'; kept: readonly string[]; passed: readonly Entry[] }
  /** No manager passed a socket. */
  | { kind: 'none' }

/**
 * Returns the socket that this process has for the address of a call of `listen`. A socket with another port or path
 * never fits, even if it is the only one: with that rule of `serve`, a metrics server that listens first
 * would be served on the public port. `isFree` tells whether no server has the socket.
 *
 * Below a wrapper such as npm, the supervisor is asked. `take`: which socket it may give; `undefined`: it is not asked.
 */
export function whichSocket(
  { options }: ListenCall,
  isFree: (entry: Entry) => boolean,
  take: 'exact' | 'first' | undefined,
  logger: Logger,
): Answer {
  if (isColdStart(logger)) return { kind: 'none' }
  const wanted = resolveListen({ ...options, shared: true, logger })
  const asked = take && askForSocket(wanted, { take, logger })
  if (asked?.kind === 'given') return { kind: 'passed', entry: asked.entry }
  const passed = inheritedEntries(logger).filter(
    ({ origin, state }) => origin === 'passed' && state.kind !== 'unusable',
  )
  if (asked?.kind === 'none') return { kind: 'other', kept: asked.kept, passed }
  if (passed.length === 0) return { kind: 'none' }
  const there = passed.filter((entry) => hasExactAddress(wanted)(entry) && isFree(entry))
  const match = there.length > 0 ? matchSocket(wanted, there) : undefined
  if (match?.kind === 'match') return { kind: 'passed', entry: match.socket }
  if (match?.kind === 'ambiguous') return { kind: 'passed', entry: match.candidates[0] as Entry }
  return { kind: 'other', kept: passed.map(socketAddress), passed }
}
