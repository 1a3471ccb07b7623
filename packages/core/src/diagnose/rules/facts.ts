import type { Listening } from '../../listen/listening-servers.ts'
import type { DiagnosedSocket, ProcessName, Starter } from './types.ts'

/** Everything that the rules judge; gathered first, so that they stay pure. */
export interface Facts {
  /** `'process'`: this process itself. `'unit'`: a service, from outside. */
  seen: 'process' | 'unit'
  /** `start` is the command line for `ExecStart=`: the binary of node, its options, the file, its arguments. */
  self: ProcessName & { start: string }
  starter: Starter
  /** The parent first. */
  ancestors: readonly ProcessName[]
  environment: Readonly<Record<string, string>>
  /** What this process has got on request below `socket-port run`; `undefined` where it cannot ask. */
  asking: Asking | undefined
  /** Why the sockets were refused, in words. */
  refusal: string | undefined
  /** What is malformed in the variables of sd_notify(3). */
  notifyProblems: readonly string[]
  clusterWorker: boolean
  sockets: readonly DiagnosedSocket[]
  /** How many of the passed descriptors are not open. */
  missing: number
  /** Paths of passed sockets at which no client finds them. */
  lostPaths: readonly LostPath[]
  listeners: readonly Listening[]
  /** What systemd says of the service; `undefined` without one, or where it did not answer. */
  service: ServiceUnit | undefined
  /** The same; under `socket-port run`, the service that the command runs in. */
  serviceAround: ServiceUnit | undefined
  /** The sockets that start the service. */
  socketUnits: readonly SocketUnit[]
  /** The longest accept queue that the kernel allows (net.core.somaxconn). */
  somaxconn: number | undefined
}

/** `unknown`: from outside. With `problem`: it has asked, and got none. */
export type Asking =
  | { outcome: 'given' | 'not asked' | 'unknown'; problem?: undefined }
  | { outcome: 'none' | 'refused' | 'failed'; problem: string }

/** The path of a unix socket that listens, and why no client finds it there. */
export interface LostPath {
  path: string
  now: 'gone' | 'replaced'
}

/** A service as `systemctl show` describes it; durations in milliseconds, `Infinity` for no limit. */
export interface ServiceUnit {
  id: string
  loaded: boolean
  active: string
  result: string
  type: string
  notifyAccess: string
  mainPid: number
  /** `control-group`, `mixed`, `process` or `none`. */
  killMode: string
  /** The command line of ExecStart=. */
  command: string
  fdStoreMax: number | undefined
  stopTimeout: number
  /** 0: none. */
  watchdog: number
  restart: string
  restartDelay: number
  restarts: number
  startLimit: { interval: number; burst: number }
  triggeredBy: readonly string[]
}

/** A socket unit as `systemctl show` describes it. */
export interface SocketUnit {
  id: string
  loaded: boolean
  active: string
  result: string
  /** `[::]:8080`, `/run/app.sock`. */
  listens: readonly string[]
  name: string
  backlog: number | undefined
  accept: boolean
  triggers: readonly string[]
}
