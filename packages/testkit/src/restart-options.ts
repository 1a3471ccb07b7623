import type { Exit } from './generation.ts'
import type { Inherit } from './launch.ts'
import type { LoadOptions } from './load/options.ts'
import type { LoadCounts, LoadResult } from './load/result.ts'
import type { Listener } from './native.ts'

export interface RestartOptions {
  /** A script for `execPath`, or a whole command. It must print the ready line. */
  fixture: string | readonly string[]
  args?: readonly string[]
  env?: Readonly<Record<string, string>>
  /** @default process.execPath */
  execPath?: string
  /**
   * The socket that every generation inherits; or a function that opens one for each generation,
   * and that is closed here once the generation has it. Without a listener, give a `target`.
   */
  listener?: Listener | ((generation: number) => Listener)
  /** @default 'pid' with a listener */
  inherit?: Inherit
  /** @default 127.0.0.1 and the listener's port, or the listener's path */
  target?: LoadOptions['target']
  /** Whether the new process starts before the old one is signalled, or after it has ended. */
  mode: 'overlap' | 'one-after-the-other'
  restarts: number
  /** @default 'SIGTERM' */
  signal?: NodeJS.Signals
  /** Requests from one restart to the next. @default 500 */
  betweenRequests?: number
  /** Milliseconds that an old process has until it is sent SIGKILL. @default 30_000 */
  stopTimeout?: number
  load?: Omit<LoadOptions, 'target'>
  /** Silent connections, all open at the start of each restart. @default 0 */
  idleClients?: number
  /** Called after each restart. */
  onRestart?(row: RestartRow): void
}

/** One restart, with the requests that ended from its start to the start of the next. */
export interface RestartRow extends LoadCounts {
  /** 1 for the first. */
  readonly restart: number
  /** Milliseconds from the spawn of the new process to its ready line. */
  readonly spawnToReady: number
  /** Milliseconds from the signal to the end of the old process. */
  readonly signalToExit: number
  readonly exit: Exit
  /** The old process ran longer than `stopTimeout`, and was killed; `failedBefore` counts what had failed by then. */
  readonly forced: boolean
  readonly failedBefore: number
}

export interface RestartResult {
  readonly rows: readonly RestartRow[]
  /** The whole load, including the requests before the first restart. */
  readonly total: LoadResult
  /** How the last generation ended; it is signalled after the load. */
  readonly lastExit: Exit
  /** The stderr of all generations. */
  readonly stderr: string
}
