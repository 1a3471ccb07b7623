/** The generation and the worker number of a process; both count from 1. */
export interface Place {
  generation: number
  worker: number
}

/** How a process ended. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
  /** Why no process could be started, or why this one is no longer waited for. */
  error?: string
}

/** A process below a started one that has asked for a socket. If it ends and its pid is reused, this is still the old process. */
export interface ServerProcess {
  readonly pid: number
  readonly isRunning: boolean
  signal(signal: NodeJS.Signals): void
  close(): void
}

/** The descriptors for a process that has asked for a socket. Call `passed` when it has its own copies. */
export interface Joined {
  fds: readonly number[]
  passed(): void
}

/** A child process: the seam between the supervisor and the operating system. */
export interface Child {
  readonly pid: number
  /** Resolves when the process has ended and all its output was read. */
  readonly exited: Promise<Exit>
  /** The processes below it that serve in its place, the newest last. It is empty but for a wrapper, such as npm. */
  readonly servers: readonly number[]
  /** Notes that a process below it serves in its place. That process gets the signals and the messages from now on. */
  join(server: ServerProcess): Joined
  /** Does nothing once the process has ended: its pid may belong to another process by then. */
  signal(signal: NodeJS.Signals): void
  /**
   * Sends SIGKILL to the process and to everything in its process group. Returns false where it may not be signalled:
   * it is given up then, and goes on.
   */
  kill(): boolean
  /** The last lines of the process's output. */
  tail(): string
  /**
   * Passes descriptors to the running process, or to the server below it with the pid `server`. The caller still owns
   * them. Returns whether they could be sent.
   */
  pass(fds: readonly number[], server?: number): boolean
  /** Keeps a queue of connections, and owns its descriptors, until it is passed to a server that has one of the sockets. */
  keep(fds: readonly number[], sockets: ReadonlySet<bigint>): void
  /** Passes the kept queues of these sockets to the server below it with the pid `server`. */
  passKept(server: number, sockets: ReadonlySet<bigint>): void
  /** Closes the kept queues, and with them their connections. */
  dropKept(): void
  /** Tells the process that the next process serves. It reads that before any signal that is sent afterwards. */
  tellNext(): void
  /** Whether the process waits for connections on a socket that was passed to it. */
  isAccepting(): boolean
}
