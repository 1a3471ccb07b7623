import type { Exit } from './failure.ts'

/** A process that was started; the seam between the supervisor and the operating system. */
export interface Child {
  readonly pid: number
  /** Resolves when it is gone and what it has printed has been read. */
  readonly exited: Promise<Exit>
  /** Does nothing once it is gone: its pid may belong to another process by then. */
  signal(signal: NodeJS.Signals): void
  /** SIGKILL, to what it has started too. */
  kill(): void
  /** The last lines of its output. */
  tail(): string
  /** Gives it descriptors while it runs; they stay the caller's. False: it takes none. */
  pass(fds: readonly number[]): boolean
  /** Tells it that nobody follows it; comes before a signal that is sent afterwards. */
  sayLast(): void
  /** Whether it waits for connections on a socket that it was given. */
  isAccepting(): boolean
}
