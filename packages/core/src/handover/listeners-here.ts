import type { AddressInfo } from 'node:net'
import { unmapped, withoutZone } from '../base/ip-address.ts'
import type { AnyServer } from '../base/types.ts'
import { openServers } from '../listen/listening-servers.ts'
import { freeListeners } from '../listen/socket-registry.ts'
import { listeningHandle } from '../node/tcp-handle.ts'
import { type Libc, loadLibc } from '../sockets/libc.ts'
import { fit, type ListeningAddress, type LocalAddress, listeningAddress } from './local-address.ts'

/** A listening socket of this process, and the server that receives connections for it. */
export interface LocalListener<S> {
  at: ListeningAddress
  /** `undefined` if it receives none: TLS, another protocol, an inherited socket that no server has taken yet. */
  server: S | undefined
}

/**
 * Every listening socket of this process: those of `servers`, which receive connections, of `others`, which do
 * not, of every server that listens through this package, and the inherited ones that no server has taken yet.
 */
export function listenersHere<S extends AnyServer>(
  servers: Iterable<S>,
  others: Iterable<AnyServer>,
): LocalListener<S>[] {
  const libc = loadLibc()
  const listeners: LocalListener<S>[] = []
  const add = (at: ListeningAddress | undefined, server?: S): void => {
    if (at !== undefined) listeners.push({ at, server })
  }
  for (const server of servers) add(addressOf(libc, server), server)
  for (const server of [...others, ...openServers()]) add(addressOf(libc, server))
  for (const fd of freeListeners()) add(listeningAddress(libc, fd))
  return listeners
}

/** The listener that a connection belongs to. Of those that fit equally well, the first with a server wins. Pure. */
export function listenerFor<S>(
  listeners: readonly LocalListener<S>[],
  local: LocalAddress,
): LocalListener<S> | undefined {
  let best: LocalListener<S> | undefined
  let most = 0
  for (const listener of listeners) {
    const now = fit(listener.at, local)
    const better = now > most || (now === most && now > 0 && best?.server === undefined)
    if (better) best = listener
    most = Math.max(most, now)
  }
  return best
}

function addressOf(libc: Libc, server: AnyServer): ListeningAddress | undefined {
  const fd = listeningHandle(server)?.fd
  if (fd !== undefined && fd >= 0) return listeningAddress(libc, fd)
  // In a cluster the primary may have the socket. Node knows its address, but not whether it is IPv6 only.
  const own = server.address() as AddressInfo | string | null
  if (own === null || typeof own === 'string') return undefined
  return {
    address: unmapped(withoutZone(own.address)),
    port: own.port,
    scope: 0,
    device: '',
    ipv6Only: undefined,
  }
}
