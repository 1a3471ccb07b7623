import { Socket } from 'node:net'
import { type ProcSocket, readSockets, socketInode } from '../proc/sockets.ts'
import { NO_FACTS, type SocketFacts, type SocketSystem } from './facts.ts'
import { whyNotSocket } from './native.ts'

/** Sockets seen without native code: through /proc, else through Node. They cannot be duplicated. */
export const plainSystem: SocketSystem = {
  describe: (fd) => whyNotSocket(fd) ?? factsFromProc(fd) ?? factsFromNode(fd),
  duplicate: () => undefined,
  // Node itself marks what it inherited close-on-exec when it starts.
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
    // A socket in none of the tables is neither TCP nor unix, or TCP that was never bound.
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

// Read once for all descriptors that are looked at in one go: a busy machine has long tables.
function tables(): ProcSocket[] | undefined {
  if (cached === undefined) {
    cached = readSockets()
    queueMicrotask(() => {
      cached = undefined
    })
  }
  return cached
}

// These wrap the descriptor for getsockname(2) alone and would close it when they are destroyed.
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
    return NO_FACTS // Node knows no stream socket in it (ERR_INVALID_FD_TYPE)
  }
}
