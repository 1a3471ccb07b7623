import { clusterWorker } from '../base/built-in.ts'
import { isAddress } from '../base/ip-address.ts'
import { activatorOf } from '../proc/activator.ts'
import { describeHolders, findHolders, type Holder, holdersOf, isManager } from '../proc/holders.ts'
import { type Overlap, overlap } from '../proc/overlap.ts'
import { ancestorsOf, statOf } from '../proc/process.ts'
import { listeningSockets } from '../proc/sockets.ts'
import { canAsk } from '../process/environment.ts'
import { generationsOverlap } from '../process/successor.ts'
import { isTaken } from './candidate.ts'
import { type Listening, listeningServers } from './listening-servers.ts'
import type { ResolvedListen } from './options.ts'
import { lookAtInherited } from './socket-registry.ts'

export interface InUseRequest extends ResolvedListen {
  /** The socket is bound for a program that keeps it for others: `socket-port run`. */
  kept?: boolean | undefined
}

/** Returns who has the address that cannot be bound (EADDRINUSE), and what can be done about it. */
export function describeInUse(request: InUseRequest, address: string | undefined): string {
  const { path, kept } = request
  if (path !== undefined) {
    const holders = findHolders({ path })
    return `${who(holders)}; ${adviceOnPath(holders, kept)}`
  }
  const holders = holdersInTheWay(request, address)
  return `${who(holders)}; ${adviceOn(request, holders)}`
}

function adviceOnPath(holders: readonly Holder[], kept = false): string {
  if (isOurs(holders)) return kept ? KEPT_TWICE : 'close that server first, or choose another path'
  const managed = kept ? adviceOnManaged(holders, 'path') : undefined
  return managed ?? 'stop that process or choose another path'
}

const KEPT_TWICE =
  'another address of this command covers it (--listen, --metrics): leave one of them out'

const who = (holders: readonly Holder[]): string =>
  holders.length === 0
    ? 'in use; who holds it cannot be seen from here'
    : `it is ${describeHolders(holders)}`

function holdersInTheWay({ port, host, ipv6Only }: InUseRequest, address = host): Holder[] {
  const known = address !== undefined && isAddress(address)
  const place = { address: known ? address : undefined, ipv6Only }
  const sockets = listeningSockets().filter((socket) => socket.port === port)
  const those = (kind: Overlap) => sockets.filter((socket) => overlap(place, socket) === kind)
  const certain = those('certain')
  return holdersOf(certain.length > 0 ? certain : those('possible'))
}

const isOurs = (holders: readonly Holder[]): boolean =>
  holders.some(({ pid }) => pid === process.pid)

function adviceOn(request: InUseRequest, holders: readonly Holder[]): string {
  const { port } = request
  if (holders.length === 0) return adviceOnHidden(request)
  const ours = isOurs(holders)
  if (ours && request.kept) {
    return KEPT_TWICE
  }
  if (ours && serverOn(port) !== undefined) return adviceOnOurs(port)
  const ancestors = ancestorsOf(process.pid)
  const above = holders.map(({ pid }) => pid).filter((pid) => ancestors.includes(pid))
  // The primary of a cluster may listen there itself.
  const isKept = canAsk() && above.some((pid) => pid !== process.ppid)
  if (isKept && clusterWorker() !== undefined) return NO_CLUSTER
  const supervisor = above[0]
  if (ours || supervisor !== undefined || holders.some(isManager)) {
    const lost = adviceOnPassed(request)
    if (lost !== undefined) return lost
  }
  if (ours) return adviceOnOurs(port)
  if (holders.some(isManager)) {
    return 'let its unit start this program and inherit the socket, stop the .socket unit, or choose another port'
  }
  if (supervisor !== undefined) return adviceOnSupervisor(port)
  const isSibling = ({ pid }: Holder): boolean => ancestors.includes(statOf(pid)?.parent ?? 0)
  if (generationsOverlap() && holders.some(isSibling)) {
    return (
      'it was started by the same supervisor, which runs two generations at a time: ' +
      `let it open the socket for both (socket-port run --listen ${port})`
    )
  }
  return adviceOnOther(request, holders)
}

// Only Linux shows holders here; elsewhere `killPort` asks lsof.
function adviceOnHidden({ port, kept }: InUseRequest): string {
  if (process.platform === 'linux') {
    return 'find it as root (ss -ltnp), or choose another port'
  }
  const free = kept ? `socket-port free ${port}` : 'in development killPort: true'
  return `find it (lsof -i :${port}) and stop it, choose another port, or end it with ${free}`
}

const serverOn = (port: number): Listening | undefined =>
  listeningServers().find(({ address }) => typeof address === 'object' && address?.port === port)

function adviceOnOurs(port: number): string {
  const inherited = serverOn(port)?.source === 'inherited'
  const shared = inherited ? ', pass shared: true to accept from that socket too' : ''
  return `close the server that has it first${shared}, or choose another port`
}

// Advice where the manager holds the port: its socket was lost on the way, or this request did not take it.
function adviceOnPassed({ port, inherit, logger }: InUseRequest): string | undefined {
  const { outcome, missing, entries } = lookAtInherited(logger)
  if (outcome.kind === 'refused' && outcome.foreign === true && canAsk()) {
    return 'if it is a socket that socket-port run keeps, the warning about it says why this process was not given it'
  }
  if (outcome.kind === 'refused' || missing > 0) {
    return 'the sockets that it passed did not reach this process, as the warning about them says; start node itself'
  }
  const passed = entries.some((entry) => entry.port === port && !isTaken(entry))
  if (!passed) return undefined
  return inherit === 'never'
    ? "this process has inherited that socket: take it, without inherit: 'never'"
    : 'this process has inherited a socket of that port: ask for its host, or for its name'
}

const NO_CLUSTER =
  'socket-port run keeps it, and a worker of node:cluster cannot take it. Turn the cluster off, and let the command start ' +
  'several processes on one socket: socket-port run --workers N'

const adviceOnSupervisor = (port: number): string =>
  `it has started this process: let it pass the socket (socket-port run --listen ${port}), or choose another port`

// Neither killPort nor `socket-port free` ends a process that its manager would start again.
function adviceOnManaged(holders: readonly Holder[], other: 'port' | 'path'): string | undefined {
  const activators = holders.map(({ pid }) => activatorOf(pid))
  if (activators.includes('socket-port run')) {
    return `socket-port run started that process: stop both (socket-port stop) or choose another ${other}`
  }
  return activators.includes('another manager')
    ? `a manager started that process and passed it sockets: stop it there (systemctl stop the .socket and .service units), or choose another ${other}`
    : undefined
}

function adviceOnOther({ port, kept, killPort }: InUseRequest, holders: readonly Holder[]) {
  const managed = adviceOnManaged(holders, 'port')
  if (managed !== undefined) return managed
  if (kept) return `stop that process (socket-port free ${port}) or choose another port`
  // killPort ends only processes of this user. If it ran already, a process has taken the port since, and may again.
  const canFree = killPort === false && holders.every(({ uid }) => uid === process.getuid?.())
  return canFree
    ? 'stop that process, choose another port, or in development pass killPort: true'
    : 'stop that process or choose another port'
}
