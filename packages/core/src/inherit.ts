import { SocketPortError } from './errors.ts'
import { describeCandidate, matchSocket } from './match.ts'
import type { ResolvedListen } from './options.ts'
import { quote } from './quote.ts'
import { type Entry, inheritedEntries, type Taken, take } from './registry.ts'

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
  const entries = inheritedEntries(logger).filter((entry) => entry.problem === undefined)
  if (inherit === 'never') return undefined
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
      return { entry: match.socket, ...take(match.socket) }
    case 'none':
      if (inherit === 'require') throw notInherited(request, entries)
      if (match.warning !== undefined) logger.warn(match.warning)
      return undefined
  }
}

function notInherited(request: ResolvedListen, entries: Entry[]): SocketPortError {
  const passed =
    entries.length === 0
      ? 'no socket was passed to this process (LISTEN_FDS, LISTEN_PID)'
      : `passed were ${entries
          .map((entry) => `${describeCandidate(entry)}${entry.taken ? ' (taken)' : ''}`)
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
