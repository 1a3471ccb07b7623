import { counted } from '../../base/counted.ts'
import { quote } from '../../base/quote.ts'
import { describeCandidate, describeNamed } from '../../listen/candidate.ts'
import type { Listening } from '../../listen/listening-servers.ts'
import type { Facts, SocketUnit } from './facts.ts'
import {
  error,
  join,
  nameSelf,
  passingUnits,
  type Rule,
  systemctlCommand,
  warning,
} from './report.ts'
import type { DiagnosedSocket, Problem } from './types.ts'

/** Rules about the passed sockets, and which servers took them. */
export const socketRules: readonly Rule[] = [
  nothingPassed,
  unusable,
  (facts) => facts.listeners.flatMap((listening) => mismatch(listening, facts)),
  notTaken,
  pathLost,
  (facts) => facts.sockets.flatMap((socket) => backlogCut(socket, facts)),
]

function nothingPassed(facts: Facts): Problem[] {
  const { seen, environment, service } = facts
  const units = passingUnits(facts).filter(({ result }) => !result.endsWith('-limit-hit'))
  if (service === undefined || units.length === 0) return []
  const unit = units.find(({ active }) => active !== 'active')
  if (seen === 'process' ? environment.LISTEN_FDS !== undefined : service.active !== 'active') {
    return []
  }
  if (unit !== undefined) {
    const command = systemctlCommand(facts)
    return [
      error(
        'NOTHING_PASSED',
        `${unit.id} exists, but is ${unit.active} (${unit.result}), so ${nameSelf(facts)} was started ` +
          'without its socket',
        // systemd refuses to open a socket whose service runs.
        `${command} stop ${service.id}, then ${command} enable --now ${unit.id}, then ` +
          `${command} start ${service.id}; Requires=${unit.id} in the service keeps them together`,
      ),
    ]
  }
  if (seen === 'unit') return []
  return [
    error(
      'NOTHING_PASSED',
      `${join(units.map(({ id }) => id))} ${units.length === 1 ? 'is' : 'are'} active, but LISTEN_FDS is not set ` +
        `in ${nameSelf(facts)}`,
      'start node itself, without a program that clears the environment (sudo, su, env -i); if the socket ' +
        `unit is newer than the process, run ${systemctlCommand(facts)} restart ${service.id}`,
    ),
  ]
}

function unusable({ sockets, missing, environment }: Facts): Problem[] {
  const bad = sockets.filter(({ problem }) => problem !== undefined)
  const found = bad.map((socket) => `${describeNamed(socket)} ${socket.problem}`)
  if (missing > 0) {
    found.push(
      `${missing} of ${environment.LISTEN_FDS} descriptors ${missing === 1 ? 'is' : 'are'} not open`,
    )
  }
  if (found.length === 0) return []
  return [
    error(
      'SOCKET_UNUSABLE',
      `descriptors that were passed cannot be served: ${found.slice(0, 8).join('; ')}`,
      'pass listening stream sockets: ListenStream= and Accept=no in the .socket unit',
    ),
  ]
}

const isUsable = ({ problem }: DiagnosedSocket): boolean => problem === undefined

/**
 * The passed sockets that no server has taken, without stored ones: core closes those itself when they
 * stay unused.
 */
const freeSockets = ({ sockets }: Facts): DiagnosedSocket[] =>
  sockets.filter((socket) => isUsable(socket) && !socket.taken && !socket.stored)

/** The socket unit of a passed socket; `undefined` where its name does not say which one. */
function unitOf({ name }: DiagnosedSocket, facts: Facts): SocketUnit | undefined {
  const units = passingUnits(facts)
  return units.length === 1 ? units[0] : units.find((unit) => unit.name === name)
}

const place = (socket: DiagnosedSocket, facts: Facts): string =>
  unitOf(socket, facts)?.id ?? 'the .socket unit'

function mismatch({ request, source, fd }: Listening, facts: Facts): Problem[] {
  if (request.inherit === 'never') return []
  return source === 'inherited' ? servesOther(request, fd, facts) : missed(request, facts)
}

/** The server has a passed socket that differs from what it asked for. */
function servesOther(request: Asked, fd: number | undefined, facts: Facts): Problem[] {
  const { name, port, path } = request
  const socket = facts.sockets.find((candidate) => candidate.fd === fd)
  if (socket === undefined) return []
  const serves = `but it serves ${describe(socket)}`
  const problems: Problem[] = []
  if (name !== undefined && socket.name !== name) {
    const problem = `the program asked for the name ${quote(name)}, ${serves}`
    problems.push(warning('NAME_UNKNOWN', problem, mendName(name, socket, facts)))
  }
  const differs = path === undefined ? port !== 0 && socket.port !== port : socket.path !== path
  if (differs) {
    const problem = `the program asked for ${askedFor(request)}, ${serves}`
    problems.push(warning('PORT_MISMATCH', problem, mendPort(port, path, socket, facts)))
  }
  return problems
}

/** The server has bound a socket although one was passed. */
function missed(request: Asked, facts: Facts): Problem[] {
  const { name, port, path } = request
  const free = freeSockets(facts)
  const [socket] = free
  if (socket === undefined) return []
  const others = `but it was passed ${join(free.map(describe))}, and has bound another socket`
  if (name !== undefined) {
    const problem = `the program asked for the name ${quote(name)}, ${others}`
    return [error('NAME_UNKNOWN', problem, mendName(name, socket, facts))]
  }
  if (path === undefined && port === 0) return []
  const problem = `the program asked for ${askedFor(request)}, ${others}`
  return [error('PORT_MISMATCH', problem, mendPort(port, path, socket, facts))]
}

type Asked = Listening['request']

const askedFor = ({ port, path }: Asked): string =>
  path === undefined ? `port ${port}` : `path ${path}`

const mendName = (name: string, socket: DiagnosedSocket, facts: Facts): string =>
  `set FileDescriptorName=${name} in ${place(socket, facts)}, or ask for ` +
  `{ name: ${quote(socket.name)} }`

const mendPort = (
  port: number,
  path: string | undefined,
  socket: DiagnosedSocket,
  facts: Facts,
): string =>
  `set ListenStream=${path ?? port} in ${place(socket, facts)}, or ask for ` +
  (socket.path === undefined ? `{ port: ${socket.port} }` : `{ path: ${quote(socket.path)} }`)

const describe = (socket: DiagnosedSocket): string => describeCandidate({ ...socket, stream: true })

function notTaken(facts: Facts): Problem[] {
  const { listeners } = facts
  // The program may be about to listen.
  if (listeners.length === 0) return []
  const free = freeSockets(facts)
  // A socket that was missed because of its name or port is reported by `mismatch`.
  const told = listeners.filter(
    (listening) => listening.source === 'bound' && mismatch(listening, facts).length > 0,
  )
  if (free.length <= told.length) return []
  return [
    error(
      'SOCKET_NOT_TAKEN',
      `no server takes ${join(free.map(describe))}: clients connect and get no response`,
      'serve it, by its name or its port, or remove it from the units',
    ),
  ]
}

function pathLost(facts: Facts): Problem[] {
  const { lostPaths, socketUnits } = facts
  return lostPaths.map(({ path, now }) => {
    const unit = socketUnits.find(({ listens }) => listens.includes(path))
    const opener =
      unit === undefined
        ? 'restart the program that has opened the socket'
        : `${systemctlCommand(facts)} restart ${unit.id}`
    return error(
      'PATH_LOST',
      now === 'gone'
        ? `${path} was removed: its socket still listens, and clients get ENOENT`
        : `${path} was removed and bound again: no client reaches the socket that was passed`,
      'let the program listen on the passed socket, and remove the code that removes its path (unlink, ' +
        `rm); then ${opener}`,
    )
  })
}

// What Node's listen() sets on an inherited socket (net.js).
const NODE_BACKLOG = 511

function backlogCut(socket: DiagnosedSocket, facts: Facts): Problem[] {
  const { somaxconn } = facts
  const { backlog } = socket
  if (!isUsable(socket) || backlog === undefined || somaxconn === undefined) return []
  const unit = unitOf(socket, facts)
  const meant = Math.min(unit?.backlog ?? somaxconn, somaxconn)
  if (backlog >= meant || (unit === undefined && backlog !== NODE_BACKLOG)) return []
  const restart =
    unit === undefined ? 'open the socket again' : `${systemctlCommand(facts)} restart ${unit.id}`
  return [
    warning(
      'BACKLOG_CUT',
      `the accept queue of ${describe(socket)} holds ${counted(backlog, 'connection')}, not ` +
        `${meant}: a process that shares the socket has called listen(2) on it`,
      `find that process (server.listen({ fd }) of Node sets ${NODE_BACKLOG}; serve and listen of this package keep ` +
        `the length), then ${restart}`,
    ),
  ]
}
