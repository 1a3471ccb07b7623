import type { Readiness } from '../supervisor/rules.ts'

/** The options of `socket-port run`. All durations are milliseconds. */
export interface RunOptions {
  /** The program and its arguments; looked up in PATH anew for each process. Never empty. */
  command: readonly [program: string, ...args: string[]]
  /**
   * The sockets to open, in the order in which they are passed: fd 3, 4, … One that this process
   * inherited and that fits is passed on in its place; what else it inherited comes after them.
   */
  listen: readonly ListenAddress[]
  /** Length of the accept queues that are opened here, capped by the kernel. @default 1024 */
  backlog: number
  /** Name of the control socket. @default derived from the first address, as {@link nameOf} says */
  name: string | undefined
  /** Path of the control socket, in place of one derived from the name. */
  control: string | undefined
  /** Processes of a generation. @default 1 */
  workers: number
  /** How a generation of several processes is replaced. @default 'one-by-one' */
  replace: 'one-by-one' | 'all-at-once'
  /**
   * Give each worker a socket of its own in one SO_REUSEPORT group. The sockets are kept here and
   * outlive every restart. @default false: one socket, shared
   */
  reusePort: boolean
  /** The condition by which a process counts as ready. @default { kind: 'notify' } */
  ready: Readiness
  /** How long a process may take to become ready. @default 30_000 */
  readyTimeout: number
  /**
   * How long a process must stay up after it became ready before the old one is drained: one that
   * fails right after its start has then changed nothing. @default 200
   */
  settle: number
  /** How long a process may take to end after SIGTERM; then it is sent SIGKILL. @default 30_000 */
  drainTimeout: number
  /**
   * A process that speaks the watchdog protocol (`WATCHDOG=1`) and is silent for longer is
   * replaced; 0 for never. @default WATCHDOG_USEC of this process; without it, never
   */
  watchdog: number | undefined
  /** Whose messages on NOTIFY_SOCKET count, as systemd's `NotifyAccess=`. @default 'main' */
  notifyAccess: 'main' | 'all'
  /** Read for each generation, before its first process starts; the last wins. @default [] */
  envFiles: readonly string[]
  /**
   * The directory in which processes start; a symlink is followed anew for each. @default the directory in
   * which this process was started, by the path of the shell (PWD)
   */
  cwd: string | undefined
  /**
   * Starts to watch and calls `changed` for each batch of changes. A failed first start then waits
   * for a change rather than end the command.
   */
  watch: Watch | undefined
}

/** As core's `listen` takes it. */
export interface ListenAddress {
  port?: number
  host?: string
  path?: string
  /** Its place in LISTEN_FDNAMES. @default its own name where inherited, else `'unknown'` */
  name?: string
  ipv6Only?: boolean
  /** Permissions of a unix socket, e.g. `0o660`. */
  mode?: number
}

export type Watch = (changed: (reason: string) => void) => Promise<{ close(): Promise<void> }>

/** The default of every option but the command. */
export const runDefaults: Omit<RunOptions, 'command'> = {
  listen: [],
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
  envFiles: [],
  cwd: undefined,
  watch: undefined,
}
