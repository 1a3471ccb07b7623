/** The generation and the worker number of a process; both count from 1. */
export interface Place {
  generation: number
  worker: number
}

/** How a process ended. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
  /** The system's reason why no process could be started. */
  error?: string
}

/** A child process: the seam between the supervisor and the operating system. */
export interface Child {
  readonly pid: number
  /** Resolves when the process has ended and all its output was read. */
  readonly exited: Promise<Exit>
  /** Does nothing once the process has ended: its pid may belong to another process by then. */
  signal(signal: NodeJS.Signals): void
  /** Sends SIGKILL to the process and to everything in its process group. */
  kill(): void
  /** The last lines of the process's output. */
  tail(): string
  /** Passes descriptors to the running process; the caller still owns them. Returns whether the process takes any. */
  pass(fds: readonly number[]): boolean
  /** Tells the process that no next process follows. A signal that is sent afterwards arrives later. */
  sayLast(): void
  /** Whether the process waits for connections on a socket that was passed to it. */
  isAccepting(): boolean
}
