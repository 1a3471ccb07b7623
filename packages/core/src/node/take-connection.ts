import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import { throwLater } from '../base/throw-later.ts'
import type { AnyServer } from '../base/types.ts'
import { listeningHandle } from './tcp-handle.ts'

/**
 * Lets a listening server take an open connection as if it had accepted it. The server then owns the descriptor.
 * Returns `undefined` if the server refused it (`maxConnections`, `blockList`). `dropped` is called if the reason is
 * `maxConnections`, before the descriptor is closed.
 */
export function takeConnection(
  server: AnyServer,
  fd: number,
  dropped: () => void = () => {},
): Socket | undefined {
  const handle = connectionHandle(fd)
  if (handle === undefined) return undefined
  let taken: Socket | undefined
  const onConnection = (socket: Socket): void => {
    taken = socket
  }
  server.prependOnceListener('connection', onConnection)
  // Node emits 'drop' before it closes the connection (onconnection in lib/net.js, 20 to 26).
  server.prependOnceListener('drop', dropped)
  const listener = listeningHandle(server)
  try {
    // Node then applies the options of the server, as to a connection that it accepted.
    if (listener?.onconnection) Reflect.apply(listener.onconnection, listener, [0, handle])
    else server.emit('connection', new Socket({ handle } as object))
  } catch (error) {
    throwLater(error)
  } finally {
    server.off('connection', onConnection).off('drop', dropped)
  }
  return taken
}

interface NewHandle {
  open(fd: number): number
  getsockname(address: object): number
  close(): void
}

let NewTcp: (new (type: number) => NewHandle) | undefined

// TCPConstants.SOCKET of Node's tcp_wrap: a connection, not a server.
const SOCKET = 0

function connectionHandle(fd: number): unknown {
  if (NewTcp === undefined) return firstHandle(fd)
  const handle = new NewTcp(SOCKET)
  const opened = handle.open(fd) === 0
  if (opened && handle.getsockname({}) === 0) return handle
  // Not a connection. An open handle closes the descriptor itself.
  handle.close()
  if (!opened) closeSync(fd)
  return undefined
}

// Making a Socket for its handle costs a quarter of a whole connection. So make one, and reuse its class of handles.
function firstHandle(fd: number): unknown {
  try {
    const holder = new Socket({ fd, readable: false, writable: false }) as {
      _handle?: { getpeername?: unknown } | null
    }
    const handle = holder._handle
    // Never destroy the holder: that would close the connection.
    holder._handle = null
    if (handle?.getpeername) NewTcp = handle.constructor as typeof NewTcp
    return handle
  } catch {
    closeSync(fd) // no connection
    return undefined
  }
}
