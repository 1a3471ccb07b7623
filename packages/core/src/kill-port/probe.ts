import { once } from 'node:events'
import { createServer } from 'node:net'

/** The bind for which a port is to be free. */
export interface WantedBind {
  port: number
  /** An address or a host name; `undefined` for every address of both families. */
  host: string | undefined
  ipv6Only: boolean
  reusePort: boolean
}

/**
 * Asks the kernel whether the bind would succeed now. Only the kernel knows IPV6_V6ONLY and SO_REUSEPORT of
 * other processes' sockets. `'busy'`: another socket is in the way. `'unknown'`: this user may not bind the
 * port at all. Any other failure has nothing to do with other processes, and counts as `'free'`.
 */
export async function probe({ host, ...bind }: WantedBind): Promise<'free' | 'busy' | 'unknown'> {
  const address = host ?? (bind.ipv6Only ? '::' : undefined)
  const server = createServer((socket) => socket.destroy())
  try {
    // In a cluster worker too: the primary would answer for a socket that it shares.
    server.listen({ ...bind, exclusive: true, ...(address !== undefined && { host: address }) })
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') return 'busy'
    return code === 'EACCES' ? 'unknown' : 'free'
  }
  await new Promise((closed) => server.close(closed))
  return 'free'
}
