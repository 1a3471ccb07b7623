import type { AddressInfo } from 'node:net'
import type { AnyServer } from '../base/types.ts'
import { openServers } from '../listen/listening-servers.ts'
import { freeListeners } from '../listen/socket-registry.ts'
import { listeningHandle } from '../node/tcp-handle.ts'
import { type Libc, loadLibc } from '../sockets/libc.ts'
import {
  fit,
  type ListeningAddress,
  type LocalAddress,
  listeningAddress,
  unmapped,
} from './local-address.ts'

/** A listening socket of this process, and the server that receives connections for it. */
export interface Place<S> {
  at: ListeningAddress
  /** `undefined` if it receives none: TLS, another protocol, an inherited socket that no server has taken yet. */
  server: S | undefined
}

/**
 * Every listening socket of this process: those of `servers`, which receive connections, of `others`, which do
 * not, of every server that listens through this package, and the inherited ones that no server has taken yet.
 */
export function placesHere<S extends AnyServer>(
  servers: Iterable<S>,
  others: Iterable<AnyServer>,
): Place<S>[] {
  const libc = loadLibc()
  const places: Place<S>[] = []
  const add = (at: ListeningAddress | undefined, server?: S): void => {
    if (at !== undefined) places.push({ at, server })
  }
  for (const server of servers) add(addressOf(libc, server), server)
  for (const server of [...others, ...openServers()]) add(addressOf(libc, server))
  for (const fd of freeListeners()) add(listeningAddress(libc, fd))
  return places
}

/** The place that a connection belongs to. Of places that fit equally well, the first with a server wins. Pure. */
export function placeOf<S>(places: readonly Place<S>[], local: LocalAddress): Place<S> | undefined {
  let best: Place<S> | undefined
  let most = 0
  for (const place of places) {
    const now = fit(place.at, local)
    const better = now > most || (now === most && now > 0 && best?.server === undefined)
    if (better) best = place
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
  const [address = ''] = own.address.split('%')
  return { address: unmapped(address), port: own.port, scope: 0, device: '', ipv6Only: undefined }
}
