import type { Holder } from './holders.ts'

/** A socket that listens on the port in question. */
export interface Listener {
  /** Names the socket for as long as it exists; compare it, do not read it. */
  socket: string
  /** Who opened it, where the system tells. */
  uid: number | undefined
  /** Where it listens; `0.0.0.0` and `::` are every address. */
  address?: string | undefined
}

/** Who uses a port. */
export interface PortUse {
  listeners: readonly Listener[]
  /** Only those that can be seen. */
  holders: readonly Holder[]
}

/** Everything that freeing a port asks of the operating system. */
export interface System {
  /** Returns the sockets that listen on a TCP port, of every process. */
  listeners(port: number): Promise<Listener[]>
  /** Returns these sockets and, at the price of a look at every process, who holds them. */
  look(port: number): Promise<PortUse>
  /** Returns the pids from the parent of this process up to the first one. */
  ancestors(): Promise<number[]>
  /** Returns whether a process runs in another pid namespace than this one, or may do so. */
  isElsewhere(pid: number): boolean
  /** Returns whether a process was given sockets by a manager when it was started. */
  isActivated(pid: number): boolean
  /** Returns the start time of a process, as in its Holder; undefined if it is gone. */
  startTime(pid: number): Promise<string | undefined>
  signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void
}
