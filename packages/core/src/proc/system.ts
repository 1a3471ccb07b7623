import type { Activator } from './activator.ts'
import type { Holder } from './holders.ts'

/** A socket that listens on the port in question. */
export interface Listener {
  /** Identifies the socket while it exists. Opaque: only compare it. */
  socket: string
  /** The user who opened it, if the system tells. */
  uid: number | undefined
  /** Where it listens; `0.0.0.0` and `::` are every address. */
  address?: string | undefined
}

/** Who uses a port. */
export interface PortUse {
  listeners: readonly Listener[]
  /** Only the processes that this user can see. */
  holders: readonly Holder[]
}

/** Everything that freeing a port asks of the operating system. */
export interface System {
  /** Returns the sockets that listen on a TCP port, of every process. */
  listeners(port: number): Promise<Listener[]>
  /** Returns these sockets and the processes that hold them. It looks at every process, which takes time. */
  look(port: number): Promise<PortUse>
  /** Returns the pids from the parent of this process up to the first one. */
  ancestors(): Promise<number[]>
  /** Returns whether a process runs in another pid namespace than this one, or may do so. */
  isElsewhere(pid: number): boolean
  /** Returns what passed sockets to a process as it started it; undefined if nothing did. */
  activator(pid: number): Activator | undefined
  /** Returns the start time of a process, as in its Holder; undefined if it is gone. */
  startTime(pid: number): Promise<string | undefined>
  signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void
}
