import { once } from 'node:events'
import type { Server } from 'node:net'
import { removeIfStillAt, statAt } from './same-file.ts'

/**
 * Lets a server listen on a descriptor that is bound already; `path` is the path of a unix socket. Returns a function that
 * removes the file of the socket, unless another file has replaced it. `server.listen(path)` would remove the path at
 * the close, even if it then belongs to another server.
 */
export async function listenOn(
  server: Server,
  fd: number,
  path: string | undefined,
): Promise<() => void> {
  const own = path === undefined ? undefined : statAt(path)
  server.listen({ fd })
  await once(server, 'listening')
  return () => {
    if (path !== undefined) removeIfStillAt(path, own)
  }
}
