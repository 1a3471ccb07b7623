import type { AnyServer } from '../base/types.ts'
import { perProcess } from '../process/per-process.ts'
import type { ResolvedListen } from './options.ts'

/** The request of a listening server, and the socket that it got. */
export interface Listening {
  request: ListeningRequest
  source: 'inherited' | 'bound'
  /** The number of the inherited descriptor. */
  fd: number | undefined
  /** As `server.address()` gives it. */
  address: ReturnType<AnyServer['address']>
}

/** The options of `listen`, and those of `serve` that a diagnosis needs if it was used. */
export type ListeningRequest = ResolvedListen & {
  drain?: { timeout: number }
  notify?: boolean | undefined
}

interface Note extends Listening {
  server: WeakRef<AnyServer>
}

// Every copy of this package in the process shares one: the diagnosis covers the process.
const shared = perProcess<Note[]>('listening-servers/1')

/** Records a listening server. It is forgotten when it no longer listens. */
export function noteListening(
  server: AnyServer,
  { request, source, fd }: Omit<Listening, 'address'>,
): void {
  const others = open().filter((note) => note.server.deref() !== server)
  const note = { server: new WeakRef(server), request, source, fd, address: server.address() }
  const notes = shared.get(() => [])
  notes.splice(0, notes.length, ...others, note)
}

/** Every server of the process that listens through this package, the oldest first. */
export const listeningServers = (): Listening[] => open().map(({ server: _, ...rest }) => rest)

/** The servers themselves. */
export const openServers = (): AnyServer[] => open().flatMap(({ server }) => server.deref() ?? [])

// Closed servers are dropped here, not by a 'close' listener, which would be one more on every server.
const open = (): Note[] =>
  (shared.current ?? []).filter(({ server }) => server.deref()?.listening === true)
