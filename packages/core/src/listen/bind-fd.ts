import { chmodSync, closeSync } from 'node:fs'
import { isIP } from 'node:net'
import { isMainThread } from '../base/built-in.ts'
import { LONGEST_UNIX_PATH } from '../sockets/constants.ts'
import type { Libc } from '../sockets/libc.ts'
import { openListener, type Place } from '../sockets/open.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import { type BindRequest, explainBindError, makeRoom, withMode } from './bind.ts'
import { type ListenTarget, resolveListen } from './options.ts'
import { waitSignal } from './start-abort.ts'

/**
 * Binds as `listen` would, and returns the fd of the listening socket. Nothing accepts on it yet. It is
 * close-on-exec, and the caller owns it. Inherited sockets are not considered.
 *
 * @throws {SocketPortError} As `listen`; ERR_SOCKET_PORT_UNSUPPORTED where libc cannot be used.
 */
export async function bindFd(target: ListenTarget): Promise<number> {
  return await openBound({ ...resolveListen(target), kept: true })
}

/**
 * Like {@link bindFd}, but returns the fd synchronously, unless a port must be freed, a stale unix socket
 * removed or a host name looked up first.
 */
export function openBound(request: BindRequest): number | Promise<number> {
  const libc = usableLibc('a socket cannot be bound without a server here')
  const { host = request.defaultHost } = request
  const signal = waitSignal(request)
  signal?.throwIfAborted()
  const room = makeRoom(request)
  if (room === undefined && (host === undefined || isIP(host) > 0)) {
    return open(libc, request, host)
  }
  return (async () => {
    await room
    const address = host === undefined ? host : await addressOf(host, request)
    signal?.throwIfAborted()
    return open(libc, request, address)
  })()
}

const ANY_IPV6 = '::'
const ANY_IPV4 = '0.0.0.0'

function open(libc: Libc, request: BindRequest, address: string | undefined): number {
  const { port, bindPath, ipv6Only } = request
  try {
    if (bindPath !== undefined) return openPath(libc, pathOf(bindPath, request), request)
    if (address !== undefined) return openListener(libc, { address, port }, request)
    try {
      return openListener(libc, { address: ANY_IPV6, port }, request)
    } catch (error) {
      // As Node does: a machine without IPv6 serves IPv4, but a port in use is not taken for IPv4 alone.
      if (ipv6Only || (error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw error
      return openListener(libc, { address: ANY_IPV4, port }, request)
    }
  } catch (error) {
    throw explainBindError(error as NodeJS.ErrnoException, request)
  }
}

// The kernel keeps the path as it was given, and only an absolute path is of use to a process that inherits
// the socket. But it may be too long where the relative path is not.
function pathOf(bindPath: string, { path }: BindRequest): string {
  if (path === undefined || bindPath.startsWith('\0')) return bindPath
  return Buffer.byteLength(path) <= LONGEST_UNIX_PATH ? path : bindPath
}

function openPath(libc: Libc, path: string, request: BindRequest): number {
  const place: Place = { path }
  if (path.startsWith('\0')) return openListener(libc, place, request)
  const { mode } = request
  let fd = -1
  // A worker thread may not change the umask, which belongs to the whole process.
  withMode(mode !== undefined && isMainThread() ? mode : undefined, () => {
    fd = openListener(libc, place, request)
  })
  if (mode === undefined) return fd
  try {
    chmodSync(path, mode)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

async function addressOf(host: string, request: BindRequest): Promise<string> {
  // Import it here: at the top it would cost every start half a millisecond.
  const { lookup } = await import('node:dns/promises')
  try {
    return (await lookup(host)).address
  } catch (error) {
    throw explainBindError(error as NodeJS.ErrnoException, request)
  }
}
