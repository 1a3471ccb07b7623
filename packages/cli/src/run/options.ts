import type { MetricsAddress } from '../metrics/server.ts'
import type { Readiness } from '../supervisor/rules.ts'

/** The options of `socket-port run`. All durations are milliseconds. */
export interface RunOptions {
  /** The program and its arguments. Each start looks the program up in PATH. Never empty. */
  command: readonly [program: string, ...args: string[]]
  /**
   * The sockets to open, in the order in which they are passed: fd 3, 4, … An inherited socket that matches is
   * passed in place of a new one. All other inherited sockets come last.
   */
  listen: readonly ListenAddress[]
  /** Where `GET /metrics` is answered. @default nowhere */
  metrics: MetricsAddress | undefined
  /** Length of the accept queue of each new socket; the kernel has a limit. @default 1024 */
  backlog: number
  /** Name of the control socket. @default derived from the first address, as {@link nameOf} says */
  name: string | undefined
  /** Path of the control socket. @default derived from the name */
  control: string | undefined
  /** Processes of a generation. @default 1 */
  workers: number
  /** How a generation of several processes is replaced. @default 'one-by-one' */
  replace: 'one-by-one' | 'all-at-once'
  /**
   * Open a socket for each worker, in one SO_REUSEPORT group. This process keeps all of them, so they outlive
   * every restart. @default false: the workers share one socket
   */
  reusePort: boolean
  /** The condition by which a process counts as ready. @default { kind: 'notify' } */
  ready: Readiness
  /** How long a process may take to become ready. @default 30_000 */
  readyTimeout: number
  /**
   * How long a process must stay up after it became ready, before the old one is drained. So a process that
   * fails right after its start changes nothing. @default 200
   */
  settle: number
  /** How long a process may take to end after SIGTERM; then it is sent SIGKILL. @default 30_000 */
  drainTimeout: number
  /**
   * A process that sends `WATCHDOG=1` is replaced when it has not sent it for this time; 0 for never.
   * @default WATCHDOG_USEC of this process; without it, never
   */
  watchdog: number | undefined
  /** The processes whose notifications count, as in systemd's `NotifyAccess=`. @default 'main' */
  notifyAccess: 'main' | 'all'
  /** Load the preload of core into every process of Node, by NODE_OPTIONS. @default false */
  register: boolean
  /** Files that are read before each generation starts; the last one overrides the others. @default [] */
  envFiles: readonly string[]
  /**
   * Let Node keep compiled code for the next process, in a folder of this user, unless a variable such as
   * NODE_COMPILE_CACHE says otherwise. @default true
   */
  compileCache: boolean
  /**
   * The directory in which processes start; each start follows symlinks again. @default the directory in which
   * this process was started, by the path of the shell (PWD)
   */
  cwd: string | undefined
  /** Begin each line of a process with its worker, `[2] `. @default with more than one worker */
  prefix: boolean | undefined
  /** Begin each line with the time; one of JSON always has it. @default false */
  timestamps: boolean
  /** How lines are written, also those of `run` itself. @default 'text' */
  logFormat: 'text' | 'json'
  /**
   * Starts to watch, and calls `changed` once for all changes that come together. With it, a failed first start waits for
   * a change instead of ending the command.
   */
  watch: Watch | undefined
}

/** An address, as the `listen` of core takes it. */
export interface ListenAddress {
  port?: number
  host?: string
  path?: string
  /** Its name in LISTEN_FDNAMES. @default for an inherited socket its own name, else `'unknown'` */
  name?: string
  ipv6Only?: boolean
  /** Permissions of a unix socket, e.g. `0o660`. */
  mode?: number
}

/** `warn` is called with each error after the start. */
export type Watch = (
  changed: (reason: string) => void,
  warn: (message: string) => void,
) => Promise<{ close(): Promise<void> }>

/** The default of every option but the command. */
export const runDefaults: Omit<RunOptions, 'command'> = {
  listen: [],
  metrics: undefined,
  backlog: 1024,
  name: undefined,
  control: undefined,
  workers: 1,
  replace: 'one-by-one',
  reusePort: false,
  ready: { kind: 'notify' },
  readyTimeout: 30_000,
  settle: 200,
  drainTimeout: 30_000,
  watchdog: undefined,
  notifyAccess: 'main',
  register: false,
  envFiles: [],
  compileCache: true,
  cwd: undefined,
  prefix: undefined,
  timestamps: false,
  logFormat: 'text',
  watch: undefined,
}
