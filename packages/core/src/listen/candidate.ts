import type { Server as NetServer } from 'node:net'
import { quote } from '../base/quote.ts'
import type { SocketFacts } from '../sockets/facts.ts'
import { UNKNOWN } from './fd-name.ts'

/** A socket that a request may be served with. */
export interface Candidate extends SocketFacts {
  fd: number
  name: string
  origin: SocketOrigin
  state: SocketState
}

/**
 * Who opened a socket. `passed`: the manager. `stored`: an earlier process of the service, and the manager
 * kept it in its fd store. `kept`: this process, which has put it into the fd store for the next one.
 */
export type SocketOrigin = 'passed' | 'stored' | 'kept'

/** What became of a socket in this process. Only one that is taken has takers. */
export type SocketState =
  | { kind: 'unusable'; problem: string }
  /** No server has taken it yet. */
  | { kind: 'unclaimed' }
  /** `askedFor`: what its taker asked for, where that is another port or path than it has. */
  | { kind: 'taken'; takers: number; askedFor?: string | undefined }
  /** Every taker has closed. */
  | { kind: 'released' }

/** Whether the manager keeps the socket for the next process. */
export const inStore = ({ origin }: Pick<Candidate, 'origin'>): boolean => origin !== 'passed'

export const isTaken = ({ state }: Pick<Candidate, 'state'>): boolean => state.kind === 'taken'

/** One line for messages: `fd 3 "web" 0.0.0.0:8080`. */
export function describeCandidate(socket: Omit<Candidate, 'origin' | 'state'>): string {
  return `${describeNamed(socket)} ${socketAddress(socket)}`
}

/** `fd 3 "web"`, and `fd 3` without a name. */
export const describeNamed = ({ fd, name }: { fd: number; name: string }): string =>
  name === UNKNOWN ? `fd ${fd}` : `fd ${fd} ${quote(name)}`

/** `0.0.0.0:80`, `[::]:80` or `unix:/path`. */
export function socketAddress(
  socket: Pick<SocketFacts, 'family' | 'address' | 'port' | 'path'>,
): string {
  if (socket.family === 'unix') return `unix:${socket.path ?? '(unnamed)'}`
  const host = socket.family === 'IPv6' ? `[${socket.address}]` : socket.address
  return `${host}:${socket.port}`
}

/** As {@link socketAddress}, for what `server.address()` returns. */
export function addressText(address: ReturnType<NetServer['address']>): string {
  if (address === null || typeof address === 'string') return `unix:${address ?? ''}`
  const family = address.family === 'IPv6' ? 'IPv6' : 'IPv4'
  return socketAddress({ ...address, family, path: undefined })
}
