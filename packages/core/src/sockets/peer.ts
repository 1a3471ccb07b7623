import { littleEndian, SO_PEERCRED, SOL_SOCKET } from './constants.ts'
import { type Libc, loadLibc } from './libc.ts'

/** The process at the other end of a unix socket; for a client, the one that called listen(2). */
export interface Peer {
  /** As the pid namespace of this process has it. */
  pid: number
  uid: number
  gid: number
}

/**
 * Asks the kernel for the peer of a connected unix stream socket (SO_PEERCRED, unix(7)); `undefined`
 * where the kernel does not know it.
 */
export function peerOf(fd: number, libc: Pick<Libc, 'getsockopt'> = loadLibc()): Peer | undefined {
  const bytes = libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, 12)
  if (bytes === undefined || bytes.length < 12) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [pid, uid, gid] = [0, 4, 8].map((at) => view.getUint32(at, littleEndian))
  return { pid: pid as number, uid: uid as number, gid: gid as number }
}
