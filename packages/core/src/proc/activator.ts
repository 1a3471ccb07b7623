import { environOf } from './process.ts'

/** What passed its sockets to a process, owns them, and would start the process again. */
export type Activator = 'socket-port run' | 'another manager'

/** Returns what passed sockets to the process as it started it; undefined if nothing did, or if that cannot be read. */
export function activatorOf(pid: number): Activator | undefined {
  const env = environOf(pid)
  // Watchers such as systemfd pass sockets without LISTEN_PID.
  const isMeant = (env.get('LISTEN_PID') ?? String(pid)) === String(pid)
  if (!env.has('LISTEN_FDS') || !isMeant) return undefined
  return env.has('SOCKET_PORT_GENERATION') ? 'socket-port run' : 'another manager'
}
