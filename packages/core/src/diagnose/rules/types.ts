import type { InheritedSocket, Logger } from '../../base/types.ts'

export interface DiagnoseOptions {
  /**
   * A systemd service to look at from outside (`app.service`), running or not, instead of this
   * process. What its program asked for, and what it took, is then unknown.
   */
  unit?: string | undefined
  /** Another process to look at from outside, by its pid, instead of this one. */
  pid?: number | undefined
  /** The longest that systemd is asked, in milliseconds. @default 2000 */
  timeout?: number | undefined
  /** For warnings about what was passed, where no server has looked at it yet. @default as for `listen` */
  logger?: Logger | undefined
}

/** How a process got its sockets, or did not, and what is wrong with that. */
export interface Diagnosis {
  /** The process; 0 for a unit that does not run. */
  pid: number
  /** Its command line, at most 80 characters. */
  command: string
  starter: Starter
  /** The variables of systemd's protocols, as they were before they were removed. */
  environment: Record<string, string>
  /**
   * What could be looked at. `'process'`: this process itself. `'unit'`: a service, or another process, from
   * outside. `'nothing'`: no manager started this process and nothing listens in it, or systemd did not
   * answer, or this user may not read the other process. Then an empty `problems` means nothing.
   */
  seen: 'process' | 'unit' | 'nothing'
  /** What was passed, as `inheritedSockets()` lists it; from outside, what the process still has open. */
  sockets: DiagnosedSocket[]
  /** The servers that listen through this package. */
  listeners: DiagnosedListener[]
  /** Errors first, then warnings. */
  problems: Problem[]
  /** What could not be found out, and why. */
  unknown: string[]
}

/** A socket that was passed. */
export interface DiagnosedSocket extends Omit<InheritedSocket, 'taken'> {
  /** A listener of the process has it; `undefined` where that is not visible from outside. */
  taken: boolean | undefined
}

/** A process by its id. */
export interface ProcessName {
  pid: number
  /** Its command line, at most 80 characters. */
  command: string
}

/** Who started a process. */
export interface Starter {
  /**
   * `'systemd'`: a service. `'socket-port'`: `socket-port run`. `'activator'`: a program that passed
   * sockets and became this process, such as systemd-socket-activate. `'none'`: no manager is known.
   */
  kind: 'systemd' | 'socket-port' | 'activator' | 'none'
  /** Of the manager, where it still runs. */
  pid: number | undefined
  /** The systemd service. */
  unit: string | undefined
  /** The systemd is that of a user (`systemctl --user`). */
  user: boolean
  /** Of systemd: `252.38-1~deb12u1`. */
  version: string | undefined
  /** The programs between the manager and this process, the outermost first. */
  wrappers: ProcessName[]
}

/** A server of this process that listens. */
export interface DiagnosedListener {
  /** What was asked for: `port 8080`, `path /run/app.sock`, with host and name. */
  request: string
  source: 'inherited' | 'bound'
  /** Number of the inherited descriptor. */
  fd: number | undefined
  /** `[::]:8080` or `unix:/run/app.sock`. */
  address: string
}

export interface Problem {
  code: ProblemCode
  /** `'error'`: sockets, requests or notifications are lost now. `'warning'`: they may be lost one day. */
  severity: 'error' | 'warning'
  /** What is wrong, with the values that were seen. */
  problem: string
  /** How to mend it. */
  mend: string
}

/** docs/diagnosis.md explains each code. */
export type ProblemCode =
  | 'BACKLOG_CUT'
  | 'CLUSTER_WORKER'
  | 'ENVIRONMENT_INVALID'
  | 'FD_STORE_OFF'
  | 'FD_STORE_TOO_SMALL'
  | 'KILL_MODE'
  | 'NAME_UNKNOWN'
  | 'NOTHING_PASSED'
  | 'NOTIFY_ACCESS'
  | 'PATH_LOST'
  | 'PID_WRONG'
  | 'PORT_MISMATCH'
  | 'SOCKET_NOT_ASKED'
  | 'SOCKET_NOT_GIVEN'
  | 'SOCKET_NOT_TAKEN'
  | 'SOCKET_UNUSABLE'
  | 'START_LIMIT'
  | 'START_LIMIT_HIT'
  | 'STOP_TIMEOUT'
  | 'TYPE_NOT_NOTIFY'
  | 'UNIT_NOT_FOUND'
  | 'WATCHDOG'
  | 'WRAPPER'
