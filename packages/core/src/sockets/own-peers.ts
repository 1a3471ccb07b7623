import type { Socket } from 'node:net'
import { unmapped } from '../base/ip-address.ts'
import { descriptorOf } from '../node/tcp-handle.ts'
import { peerOf } from './peer.ts'
import { usableLibc } from './usable-libc.ts'

/**
 * Returns those of the connections whose other end is a socket of this very process, in the same
 * thread. It leaves out connections for which it cannot find out.
 *
 * TCP: Node's diagnostic report lists every handle of the event loop with both of its addresses, on
 * every system, including idle clients, which are unreferenced. The two addresses and
 * ports of a connection are unique, so a client in another process never counts as one of this.
 *
 * Unix sockets have no such addresses. There the kernel tells which process has connected, but only on
 * Linux, and where native code can be loaded.
 *
 * A report takes some milliseconds, longer while a worker thread is inside a synchronous call.
 */
export function ownPeers(connections: readonly Socket[]): Set<Socket> {
  if (!connections.some(isLocal)) return new Set()
  const handles = reportedHandles()
  const clients = new Set(
    handles
      .filter(isTcp)
      .map(({ localEndpoint, remoteEndpoint }) =>
        ends(addressOf(localEndpoint), addressOf(remoteEndpoint)),
      ),
  )
  const hasUnixClients = handles.some(isUnixClient)
  return new Set(
    connections.filter((socket) =>
      isUnix(socket) ? hasUnixClients && connectedHere(socket) : clients.has(clientOf(socket)),
    ),
  )
}

/** True where the client may be on this machine: it has the same address, or one of loopback. */
function isLocal(socket: Socket): boolean {
  const { remoteAddress = '', localAddress } = socket
  const same = remoteAddress === localAddress || unmapped(remoteAddress).startsWith('127.')
  return isUnix(socket) || same
}

/** Identifies a connection by its two ends, the client's first. */
const clientOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  ends({ ip: remoteAddress ?? '', port: remotePort }, { ip: localAddress ?? '', port: localPort })

interface Address {
  ip: string
  port: number | undefined
}

const ends = (local: Address, remote: Address): string =>
  // A dual-stack server sees 127.0.0.1 as ::ffff:127.0.0.1, its client does not.
  [unmapped(local.ip), local.port, unmapped(remote.ip), remote.port].join(' ')

/** What is used of a handle in a diagnostic report (src/node_report_utils.cc). */
interface ReportedHandle {
  type: string
  localEndpoint?: Endpoint
  remoteEndpoint?: Endpoint
}

type Endpoint = { ip4?: string; ip6?: string; port?: number } | string | null | undefined

const isTcp = ({ type }: ReportedHandle): boolean => type === 'tcp'

// The end that was accepted has no remote path.
const isUnixClient = ({ type, remoteEndpoint }: ReportedHandle): boolean =>
  type === 'pipe' && typeof remoteEndpoint === 'string'

function addressOf(endpoint: Endpoint): Address {
  if (typeof endpoint !== 'object' || endpoint === null) return { ip: '', port: undefined }
  return { ip: endpoint.ip4 ?? endpoint.ip6 ?? '', port: endpoint.port }
}

// A report has the stack of an error, by default of one made for it. Test runners map a stack to the
// sources, which takes longer than all the rest.
const NO_ERROR: Error = Object.create(Error.prototype, { stack: { value: '' } })

function reportedHandles(): ReportedHandle[] {
  const { report } = process as { report?: NodeJS.ProcessReport & { excludeNetwork?: boolean } }
  // Without this switch a report asks the resolver for the name of each address, and waits.
  if (typeof report?.excludeNetwork !== 'boolean') return []
  const { excludeNetwork } = report
  report.excludeNetwork = true
  try {
    return (report.getReport(NO_ERROR) as { libuv?: ReportedHandle[] }).libuv ?? []
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

const isUnix = (socket: Socket): boolean =>
  socket.remoteAddress === undefined && descriptorOf(socket) >= 0

function connectedHere(socket: Socket): boolean {
  if (process.platform !== 'linux') return false
  try {
    return peerOf(descriptorOf(socket), usableLibc())?.pid === process.pid
  } catch {
    return false
  }
}
