import { once } from 'node:events'
import { type BigIntStats, lstatSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { isAbsolute } from 'node:path'
import { SocketPortError } from '../base/errors.ts'
import { kernelPath, readSockets } from '../proc/sockets.ts'

/**
 * Removes the file of a stale unix socket at `path` (as it was given to bind). Never removes one that a
 * server may answer on.
 *
 * - `'removed'`: no server answered, and the file was removed.
 * - `'absent'`: there is no file.
 * - `'alive'`: a server answers, or is about to. Nothing was touched.
 *
 * Throws ERR_SOCKET_PORT_PATH_NOT_A_SOCKET for a file that is no socket, and leaves it there. Throws the
 * system's own error if this user may not read or change the directory.
 */
export async function removeStaleSocket(path: string): Promise<'removed' | 'absent' | 'alive'> {
  // Abstract names and Windows pipes have no file. They disappear with the last process that has them.
  const hasFile = !path.startsWith('\0') && process.platform !== 'win32'
  const before = hasFile ? socketAt(path) : undefined
  if (hasFile && before === undefined) return 'absent'
  // The order matters. A server that has bound already is seen in the socket table, one that listens answers,
  // and one that binds after both checks makes a new file, which the second look at the file notices.
  if (isBound(path) || (await isAnswered(path))) return 'alive'
  // Another process may have removed or replaced the file while this one waited for the answer.
  const now = hasFile ? socketAt(path) : undefined
  if (before === undefined || now === undefined) return 'absent'
  if (!isSameFile(before, now)) return 'alive'
  // It is not an error if another process has just removed it.
  rmSync(path, { force: true })
  return 'removed'
}

/** Returns whether a server answers at the path. Only a refused connection proves that none does. */
async function isAnswered(path: string): Promise<boolean> {
  const socket = connect({ path })
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    // Others: EAGAIN, a full queue; EACCES, not for us; EPROTOTYPE, a datagram socket.
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code !== 'ECONNREFUSED' && code !== 'ENOENT'
  } finally {
    socket.destroy()
  }
}

/**
 * Returns whether the kernel knows a server there: one that listens, which then need not be disturbed by a
 * connection, or one between bind(2) and listen(2), which would refuse the connection.
 */
function isBound(path: string): boolean {
  return (readSockets() ?? []).some(
    (socket) =>
      socket.path === kernelPath(path) &&
      socket.type === 'stream' &&
      // A relative path does not say in which directory the server listens.
      (!socket.listening || isAbsolute(path)) &&
      // Accepted connections have the path of their server too, and can outlive it.
      !socket.connected,
  )
}

/** Returns the facts of the socket file; undefined if nothing is there. */
function socketAt(path: string): BigIntStats | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (stats === undefined || stats.isSocket()) return stats
  throw new SocketPortError(
    'ERR_SOCKET_PORT_PATH_NOT_A_SOCKET',
    `Cannot listen on ${path}: ${kindOf(stats)} stands there, and it was left alone. Remove it yourself, or listen on another path.`,
    { path },
  )
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a directory'
  // Not followed: bind(2) does not follow it either.
  if (stats.isSymbolicLink()) return 'a symbolic link'
  return stats.isFile() ? 'a file' : 'something that is not a socket'
}

function isSameFile(a: BigIntStats, b: BigIntStats): boolean {
  // A file system may reuse the inode of a removed file, so compare the time too.
  return a.dev === b.dev && a.ino === b.ino && a.mtimeNs === b.mtimeNs
}
