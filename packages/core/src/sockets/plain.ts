import { Socket } from 'node:net'
import { type ProcSocket, readSockets, socketInode } from '../proc/sockets.ts'
import { NO_FACTS, type SocketFacts, type SocketSystem } from './facts.ts'
import { whyNotSocket } from './native.ts'

/** Queries sockets without native code: through /proc, or else through Node. It cannot duplicate them. */
export const plainSystem: SocketSystem = {
  describe: (fd) => whyNotSocket(fd) ?? factsFromProc(fd) ?? factsFromNode(fd),
  duplicate: () => undefined,
  // Node marks inherited descriptors close-on-exec when it starts.
  setCloseOnExec: () => {},
  shutDown: () => {},
  pidfdInode: () => undefined,
}

function factsFromProc(fd: number): SocketFacts | undefined {
  const inode = socketInode(fd)
  const sockets = tables()
  if (inode === undefined || sockets === undefined) return undefined
  const found = sockets.find((socket) => socket.inode === inode)
  return {
    // A socket that is in no table is neither TCP nor unix, or is TCP and was never bound.
    family: found?.family,
    stream: found?.type === 'stream',
    listening: found?.listening ?? false,
    address: found?.address,
    port: found?.port,
    path: found?.path,
    ipv6Only: undefined,
    backlog: undefined,
    queueLength: found?.queueLength,
  }
}

let cached: ProcSocket[] | undefined

// Read the tables once for all descriptors that are described in one turn: a busy machine has long ones.
function tables(): ProcSocket[] | undefined {
  if (cached === undefined) {
    cached = readSockets()
    queueMicrotask(() => {
      cached = undefined
    })
  }
  return cached
}

// These wrap a descriptor only to call getsockname(2). Destroying one would close the descriptor.
const neverDestroyed: Socket[] = []

function factsFromNode(fd: number): SocketFacts {
  try {
    const socket = new Socket({ fd, readable: false, writable: false })
    neverDestroyed.push(socket)
    const address = socket.address()
    if (!('port' in address) || address.port === undefined) return NO_FACTS
    const { family, port } = address
    const listening = socket.remotePort === undefined
    return {
      ...NO_FACTS,
      stream: true,
      listening,
      family: family === 'IPv6' ? 'IPv6' : 'IPv4',
      address: address.address,
      port,
    }
  } catch {
    return NO_FACTS // not a stream socket to Node (ERR_INVALID_FD_TYPE)
  }
}
