import type { ResolvedDrain, ResolvedListen } from './options.ts'
import type { AnyServer } from './types.ts'

/** What a server that listens has asked for, and what it got. */
export interface Listening {
  request: ListeningRequest
  source: 'inherited' | 'bound'
  /** Number of the inherited descriptor. */
  fd: number | undefined
  /** As `server.address()` gives it. */
  address: ReturnType<AnyServer['address']>
}

/** Of a listen, and of a serve where there is one. */
export type ListeningRequest = ResolvedListen & {
  drain?: ResolvedDrain
  notify?: boolean | undefined
}

interface Note extends Listening {
  server: WeakRef<AnyServer>
}

// One for every copy of this package in the process: the diagnosis is of the process.
const key = Symbol.for('@socket-port/core/listeners/1')
const globals = globalThis as { [key]?: Note[] }

/** Notes a server that listens from now on; it is forgotten when it does no more. */
export function noteListening(
  server: AnyServer,
  { request, source, fd }: Omit<Listening, 'address'>,
): void {
  const others = open().filter((note) => note.server.deref() !== server)
  const note = { server: new WeakRef(server), request, source, fd, address: server.address() }
  globals[key] = [...others, note]
}

/** Every server of the process that listens through this package, the oldest first. */
export const listeningServers = (): Listening[] => open().map(({ server: _, ...rest }) => rest)

/** The servers themselves. */
export const openServers = (): AnyServer[] => open().flatMap(({ server }) => server.deref() ?? [])

// Looked for when the next one comes: a listener for 'close' would be one more on every server.
const open = (): Note[] =>
  (globals[key] ?? []).filter(({ server }) => server.deref()?.listening === true)
