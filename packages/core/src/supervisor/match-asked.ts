import type { AskRequest } from '../ask/messages.ts'
import type { Candidate } from '../listen/candidate.ts'
import { hasExactAddress } from '../listen/exact-address.ts'
import { readStoreName, UNKNOWN } from '../listen/fd-name.ts'
import { matchSocket } from '../listen/match.ts'
import { describeFd } from './describe-fd.ts'

/** A descriptor that a supervisor passes to its processes, with its name in LISTEN_FDNAMES. */
export interface PassedSocket {
  fd: number
  name: string
}

/**
 * The socket that serves the request, by the rules by which a process chooses among the sockets that were passed to
 * it; or the addresses of all. `isFree`: no other process below the started one has the socket.
 */
export function matchAsked<P extends PassedSocket>(
  { take, ...request }: AskRequest,
  passed: readonly P[],
  isFree: (socket: P) => boolean,
): P | { kept: string[] } {
  const wanted = { ...request, shared: false }
  const candidates = passed.flatMap((socket) => {
    const facts = describeFd(socket.fd)
    if (typeof facts === 'string' || !facts.listening) return []
    const name = readStoreName(socket.name)
    const origin = name.kind === 'listener' ? 'stored' : 'passed'
    const named = name.kind === 'listener' ? (name.name ?? UNKNOWN) : socket.name
    return [
      {
        ...facts,
        fd: socket.fd,
        name: named,
        origin,
        state: { kind: 'unclaimed' },
        socket,
      } as const,
    ]
  })
  const eligible = take === 'fitting' ? candidates : candidates.filter(hasExactAddress(wanted))
  const match = matchSocket<Candidate & { socket: P }>(wanted, eligible)
  if (match.kind === 'match') return match.socket.socket
  const first = take === 'first' ? candidates.find(({ socket }) => isFree(socket)) : undefined
  if (first !== undefined) return first.socket
  // Several fit: the process warns or refuses, as it would if all had been passed.
  return { kept: candidates.map(({ text }) => text) }
}
