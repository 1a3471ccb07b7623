import { isIP, isIPv6 } from 'node:net'
import { canonicalIPv6, isWildcard, withoutZone } from '../base/ip-address.ts'
import { quote } from '../base/quote.ts'
import { type Candidate, describeCandidate, inStore, isTaken, socketAddress } from './candidate.ts'
import { UNKNOWN } from './fd-name.ts'
import type { ResolvedListen } from './options.ts'

type Selecting = 'port' | 'portGiven' | 'host' | 'path' | 'name' | 'ipv6Only' | 'shared'

/** The part of a request that selects a socket. */
export interface Wanted extends Pick<ResolvedListen, Selecting> {
  /** The host to bind when none is asked for. It does not select among sockets that a manager opened. */
  defaultHost?: string | undefined
}

export type Match<C extends Candidate> =
  | { kind: 'match'; socket: C; warning: string | undefined }
  | { kind: 'none'; warning: string | undefined }
  | { kind: 'ambiguous'; candidates: C[] }

/**
 * Chooses the inherited socket that serves the request. Pure; `sockets` are listening streams.
 *
 * An exact port or path comes first, then a name; of several, name, host and family choose. A socket that is
 * the only one serves any request except one for port 0. A socket from the fd store serves only requests
 * for which a new bind would make the same socket, or requests for its name without a port.
 */
export function matchSocket<C extends Candidate>(wanted: Wanted, sockets: readonly C[]): Match<C> {
  const open = sockets.filter((socket) => wanted.shared || !isTaken(socket))

  const exact = narrow(
    open.filter((socket) => hasAddress(wanted)(socket) && !isOutdated(socket, wanted)),
    wanted,
  )
  if (exact.length > 0) return oneOf(exact, wanted)

  const kept = open.filter((socket) => inStore(socket) && isKeptFor(socket, wanted))
  if (kept.length > 0) return oneOf(kept, wanted)

  const passed = sockets.filter((socket) => !inStore(socket))
  const free = open.filter((socket) => !inStore(socket))

  if (wanted.name !== undefined) {
    const named = narrow(
      free.filter((socket) => socket.name === wanted.name),
      wanted,
    )
    if (named.length > 0) return oneOf(named, wanted)
  }

  const sole = passed.length === 1 && !asksForFreePort(wanted) ? free[0] : undefined
  if (sole !== undefined && mayServeAnything(sole, wanted)) return oneOf([sole], wanted)

  return { kind: 'none', warning: free.length > 0 ? noneWarning(wanted, passed) : undefined }
}

/**
 * The stored sockets that occupy the address of the request but do not serve it, because the configuration
 * has changed since. They must be closed before the bind. Pure.
 */
export function inTheWay<C extends Candidate>(wanted: Wanted, sockets: readonly C[]): C[] {
  return sockets.filter(
    (socket) => inStore(socket) && !isTaken(socket) && hasAddress(wanted)(socket),
  )
}

/** Whether the socket has the port, which is not 0, or the path that is asked for. */
export const hasAddress =
  (wanted: Wanted) =>
  (socket: Candidate): boolean =>
    wanted.path !== undefined
      ? socket.path === wanted.path
      : wanted.port !== 0 && socket.port === wanted.port

// An earlier process bound it, perhaps with other options. It is used only if a new bind would make the same
// socket. A host name cannot be compared before it is looked up.
function isOutdated(socket: Candidate, wanted: Wanted): boolean {
  if (!inStore(socket) || socket.family === 'unix') return false
  if (socket.family === 'IPv6' && socket.ipv6Only !== wanted.ipv6Only) return true
  const { host = wanted.defaultHost } = wanted
  if (host === undefined) return !isWildcard(socket.address ?? '')
  const address = canonical(host)
  return address !== undefined && !isExactHost(socket, address)
}

function canonical(host: string): string | undefined {
  // getsockname(2) gives the zone as a number.
  const address = withoutZone(host)
  if (!isIPv6(address)) return host === 'localhost' || isIP(host) > 0 ? host : undefined
  return canonicalIPv6(address)
}

// A request without a port accepts any port, so only the name can select the socket.
const isKeptFor = (socket: Candidate, { name, port, path }: Wanted): boolean =>
  name !== undefined && socket.name === name && port === 0 && path === undefined

// Port 0 is a port of its own, which no socket with a port can be.
const asksForFreePort = ({ port, portGiven, path }: Wanted): boolean =>
  portGiven && port === 0 && path === undefined

// A requested name that no socket has points at a mistake in the unit: do not guess.
const mayServeAnything = (socket: Candidate, wanted: Wanted): boolean =>
  wanted.name === undefined || socket.name === wanted.name || socket.name === UNKNOWN

// Each step selects among the sockets that are left. A step that would leave none is skipped.
function narrow<C extends Candidate>(candidates: C[], wanted: Wanted): C[] {
  const { name, host } = wanted
  const steps: ((socket: C) => boolean)[] = []
  if (name !== undefined) steps.push((socket) => socket.name === name)
  if (host !== undefined) {
    steps.push((socket) => isExactHost(socket, host))
    steps.push((socket) => covers(socket, host))
  }
  if (wanted.ipv6Only) steps.push((socket) => socket.family === 'IPv6')
  return steps.reduce((left, step) => {
    const chosen = left.filter(step)
    return chosen.length > 0 ? chosen : left
  }, candidates)
}

function oneOf<C extends Candidate>(candidates: C[], wanted: Wanted): Match<C> {
  const [socket, ...others] = candidates
  if (socket === undefined) return { kind: 'none', warning: undefined }
  // The members of one SO_REUSEPORT group are interchangeable.
  const same = (other: C) =>
    other.name === socket.name && socketAddress(other) === socketAddress(socket)
  if (!others.every(same)) return { kind: 'ambiguous', candidates }
  return { kind: 'match', socket, warning: differences(socket, wanted) }
}

function differences(socket: Candidate, wanted: Wanted): string | undefined {
  // Only its name can differ: the rest was compared before.
  if (inStore(socket)) return undefined
  const asked: string[] = []
  if (wanted.path !== undefined) {
    if (socket.path !== wanted.path) asked.push(`path ${wanted.path}`)
  } else if (wanted.port !== 0 && socket.port !== wanted.port) {
    asked.push(`port ${wanted.port}`)
  }
  if (wanted.name !== undefined && socket.name !== wanted.name) {
    asked.push(`name ${quote(wanted.name)}`)
  }
  if (
    wanted.host !== undefined &&
    isIP(hostAddress(wanted.host)) > 0 &&
    !exposesOnly(socket, wanted.host)
  ) {
    asked.push(`host ${wanted.host}`)
  }
  if (wanted.ipv6Only && socket.ipv6Only === false) asked.push('IPv6 alone')
  if (asked.length === 0) return undefined
  return (
    `${asked.join(', ')} was asked for, but the inherited socket is ${describeCandidate(socket)}; ` +
    "it is used as it is. Make the two agree, or pass inherit: 'never' to bind a socket instead"
  )
}

function noneWarning(wanted: Wanted, sockets: readonly Candidate[]): string {
  const asked = [
    wanted.path === undefined ? `port ${wanted.port}` : `path ${wanted.path}`,
    wanted.name === undefined ? '' : `name ${quote(wanted.name)}`,
  ].filter((part) => part !== '')
  return (
    `none of the inherited sockets fits ${asked.join(', ')}: ` +
    `${sockets.map(describeCandidate).join(', ')}. A socket of its own is bound; ` +
    'to use an inherited one, ask for its port or its name' +
    (asksForFreePort(wanted) ? "; where none is meant, pass inherit: 'never'" : '')
  )
}

const hostAddress = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host)

function isExactHost(socket: Candidate, host: string): boolean {
  return (
    socket.address === host ||
    (host === 'localhost' && socket.address === '::1') ||
    socket.address === hostAddress(host)
  )
}

function covers(socket: Candidate, host: string): boolean {
  if (isExactHost(socket, host)) return true
  const family = isIP(hostAddress(host))
  if (family === 6) return socket.address === '::'
  return socket.address === '0.0.0.0' || (socket.address === '::' && socket.ipv6Only !== true)
}

// A wider wildcard may serve a requested wildcard. For a single address there must be a warning: the
// application would be reachable from addresses that it did not ask for.
function exposesOnly(socket: Candidate, host: string): boolean {
  if (socket.family === 'unix') return true
  return isExactHost(socket, host) || (isWildcard(host) && covers(socket, host))
}
