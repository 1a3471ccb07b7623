import { SocketPortError } from '../base/errors.ts'
import { isAddress } from '../base/ip-address.ts'
import { quote } from '../base/quote.ts'
import { overlap } from '../proc/overlap.ts'
import { askForSocket, type NotGiven } from './asked-sockets.ts'
import { describeCandidate, isTaken } from './candidate.ts'
import { hasAddress, matchSocket } from './match.ts'
import type { ResolvedListen } from './options.ts'
import type { Entry } from './passed-sockets.ts'
import { inheritedEntries, type Taken, take } from './socket-registry.ts'

export interface InheritedListener extends Taken {
  entry: Entry
}

/**
 * Takes the inherited socket that fits; `undefined` where none does and one may be bound.
 *
 * @throws ERR_SOCKET_PORT_AMBIGUOUS, or ERR_SOCKET_PORT_NOT_INHERITED with `inherit: 'require'`.
 */
export function takeInherited(request: ResolvedListen): InheritedListener | undefined {
  const { inherit, logger, port } = request
  // Read in any case: the variables must not reach a child process.
  const usable = (): Entry[] =>
    inheritedEntries(logger).filter(({ state }) => state.kind !== 'unusable')
  let entries = usable()
  if (inherit === 'never') return undefined
  const asked = askForSocket(request, { take: 'fitting', logger })
  const notGiven = asked?.kind === 'given' ? undefined : asked
  entries = usable()
  const match = matchSocket(request, entries)

  switch (match.kind) {
    case 'ambiguous':
      throw new SocketPortError(
        'ERR_SOCKET_PORT_AMBIGUOUS',
        `${match.candidates.length} inherited sockets fit ${describeRequest(request)}: ` +
          `${match.candidates.map(describeCandidate).join(', ')}; pass name, host or ipv6Only to choose one`,
        { port },
      )
    case 'match':
      if (match.warning !== undefined) logger.warn(match.warning)
      return { entry: match.socket, ...takeFor(request, match.socket) }
    case 'none':
      if (inherit === 'require') throw notInherited(request, entries, notGiven)
      if (notGiven !== undefined) logger.warn(notGivenWarning(request, notGiven))
      if (match.warning !== undefined) logger.warn(match.warning)
      return undefined
  }
}

function takeFor(request: ResolvedListen, entry: Entry): Taken {
  const asked = request.portGiven || request.path !== undefined
  const differs = asked && !hasAddress(request)(entry)
  return take(entry, differs ? describeRequest(request) : undefined)
}

/**
 * Refuses a request for exactly the socket that another server of this process has taken, although that
 * server had asked for another port. It happens to a metrics server that listens first: it gets the only
 * inherited socket, which the main server asks for next.
 *
 * @throws EADDRINUSE, as the bind would; it names the server that has the socket.
 */
export function refuseTaken(request: ListenPlace): void {
  if (request.shared) return
  const entry = inheritedEntries(request.logger).find(
    (each) =>
      askedFor(each) !== undefined && hasAddress(request)(each) && isInTheWay(request, each),
  )
  if (entry === undefined) return
  throw new SocketPortError(
    'EADDRINUSE',
    `cannot listen on ${describeRequest(request)} (EADDRINUSE): the server that asked for ` +
      `${askedFor(entry)} has taken the inherited socket ${describeCandidate(entry)}, because no other ` +
      'was passed. Let the manager open a socket for each (socket-port run --listen, ListenStream=), give that server ' +
      "inherit: 'never', so that it binds a socket of its own, or let it listen last",
    {
      ...(request.path === undefined ? { port: request.port } : { path: request.path }),
      fd: entry.fd,
      address: request.host,
      syscall: 'listen',
    },
  )
}

const askedFor = ({ state }: Entry): string | undefined =>
  state.kind === 'taken' ? state.askedFor : undefined

type ListenPlace = ResolvedListen & { defaultHost?: string | undefined }

function isInTheWay({ host, defaultHost, ipv6Only }: ListenPlace, entry: Entry): boolean {
  if (entry.family === 'unix') return true
  const name = host ?? defaultHost
  const address = name === 'localhost' ? '127.0.0.1' : name
  // Another host name is looked up by the bind, which fails where it leads to this address.
  if (address !== undefined && !isAddress(address)) return false
  return overlap({ address, ipv6Only }, entry) !== 'none'
}

function notGivenWarning(request: ResolvedListen, { kind, problem, kept }: NotGiven): string {
  const use =
    kind === 'none' && kept.length === 0
      ? 'to keep one through restarts, start socket-port run with --listen'
      : 'to use a kept one, ask for its address'
  return (
    `socket-port run has given no socket for ${describeRequest(request)}: ${problem}. A socket of its own ` +
    `is bound; ${use}, and where none is meant, pass inherit: 'never'`
  )
}

function notInherited(
  request: ResolvedListen,
  entries: Entry[],
  notGiven: NotGiven | undefined,
): SocketPortError {
  const passed =
    notGiven !== undefined
      ? `socket-port run has given none: ${notGiven.problem}`
      : entries.length === 0
        ? 'no socket was passed to this process (LISTEN_FDS, LISTEN_PID)'
        : `passed were ${entries
            .map((entry) => `${describeCandidate(entry)}${isTaken(entry) ? ' (taken)' : ''}`)
            .join(', ')}`
  return new SocketPortError(
    'ERR_SOCKET_PORT_NOT_INHERITED',
    `${describeRequest(request)} must be inherited, but ${passed}; ` +
      "start the process with its manager, or allow binding with inherit: 'prefer'",
    { port: request.port, path: request.path },
  )
}

/** What was asked for, for messages: `port 8080`, `path /run/app.sock`, with name and host. */
export function describeRequest({ port, path, host, name }: ResolvedListen): string {
  const what = path === undefined ? `port ${port}` : `path ${path}`
  const where = host === undefined ? '' : ` on ${host}`
  return `${what}${where}${name === undefined ? '' : ` named ${quote(name)}`}`
}
