/**
 * The condition by which a process counts as ready.
 *
 * - `notify`: it sends READY=1 to NOTIFY_SOCKET (sd_notify(3)).
 * - `port`: it waits for connections on one of the sockets, as /proc shows (epoll(7), accept(2)).
 * - `log`: a line of its output matches.
 * - `delay`: it has been up for `ms` milliseconds.
 */
export type Readiness =
  | { kind: 'notify' }
  | { kind: 'port' }
  | { kind: 'log'; pattern: RegExp }
  | { kind: 'delay'; ms: number }

/** The rules that apply to every process; times in milliseconds. */
export interface WorkerRules {
  /** The program's name in messages. */
  program: string
  /** It is started with the preload of core (`--register`). */
  register: boolean
  ready: Readiness
  readyTimeout: number
  settle: number
  drainTimeout: number
  /** `undefined` for none. */
  watchdog: number | undefined
}
