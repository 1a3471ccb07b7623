import type { Exit } from './failure.ts'

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
  /** Passes descriptors to the running process. The caller still owns its own. False: the process takes none. */
  pass(fds: readonly number[]): boolean
  /** Tells the process that no next process follows. A signal that is sent afterwards arrives later. */
  sayLast(): void
  /** Whether the process waits for connections on a socket that was passed to it. */
  isAccepting(): boolean
}
