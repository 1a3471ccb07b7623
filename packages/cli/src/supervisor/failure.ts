import { whyNoProgram } from '../base/no-program.ts'
import { STOP_SIGNALS } from '../base/stop-signals.ts'
import type { Exit } from './child.ts'
import type { Event } from './lifecycle.ts'
import type { Readiness } from './rules.ts'

/** The kinds of {@link Failure}. Metrics show them as the label `reason`. */
export const FAILURE_KINDS = [
  'cannot-start',
  'not-found',
  'not-executable',
  'ended',
  'ended-after-ready',
  'timeout',
  'hung',
  'stopped',
] as const

/** Why a process did not become ready. */
export interface Failure {
  kind: (typeof FAILURE_KINDS)[number]
  /** What happened and how to repair it. */
  message: string
  /** The last lines of its output. */
  output: string
}

export interface Observed {
  pid: number
  program: string
  /** It is started with `--register`. */
  register: boolean
  ready: Readiness
  /** Milliseconds since the start. */
  after: number
  /** Other processes of its session that sent READY=1. */
  foreignPids: readonly number[]
  /** Processes below it that were given a socket, and have ended. */
  endedServers: readonly number[]
  /** It has sent any notification. */
  hasSpoken: boolean
  /** The last lines of its output. */
  output: string
}

/** `exit code 1`, `SIGKILL` */
export const describeExit = ({ code, signal, error }: Exit): string =>
  error ?? signal ?? `exit code ${code}`

// Success, and the exit codes that shells and many programs use for STOP_SIGNALS: 128 plus the number of the signal.
const STOP_CODES: readonly (number | null)[] = [0, 129, 130, 131, 143]

/** Whether this is a normal end of a process that was told to stop; pure. */
export const endedInOrder = ({ code, signal, error }: Exit): boolean =>
  error !== undefined ||
  (signal !== null && STOP_SIGNALS.includes(signal)) ||
  STOP_CODES.includes(code)

// Exit codes of the shell when exec fails (POSIX, Shell Command Language 2.8.2).
const NOT_EXECUTABLE = 126
const NOT_FOUND = 127

// Recognizes the messages of Node, Python, Go and others, and of programs that replace them: "Port 3000 is already in use".
const IN_USE = /EADDRINUSE|address already in use|\bport\b.*\bin use\b/i

const TAKE_IT =
  'A Node program takes the socket without a change: socket-port run --register. Or make it take the socket that is ' +
  'passed to it, with @socket-port/core, one of its adapters, or LISTEN_FDS (sd_listen_fds(3))'

// The messages of core already contain the repair.
function inUseHint({ output, register, hasSpoken }: Observed, exit: Exit | undefined): string {
  if (/cannot listen on port/.test(output)) return ''
  if (IN_USE.test(output)) {
    // The next process starts while the old one still serves.
    const said =
      '; its output says that an address is in use. If it is none of --listen, the process before this one may have it: ' +
      'pass it with --listen too. Otherwise this program'
    return register
      ? `${said} opens a port of --listen in a process that the preload does not reach: one that is not Node, or a worker of node:cluster. Turn a cluster off, and use --workers N`
      : `${said} opens a port of --listen itself. ${TAKE_IT}`
  }
  // Express 5 passes the error to the callback of `listen`, which seldom looks at it. Nothing is left to run then.
  const isSilent = exit?.code === 0 && !hasSpoken && !register
  return isSilent
    ? `; a program that opens a port of --listen itself, and ignores that it is in use, ends like this. ${TAKE_IT}`
    : ''
}

/** Why a process did not become ready: how it ended if it has, else what happened. Pure. */
export const failureOf = (
  event: Event,
  exit: Exit | undefined,
  wasReady: boolean,
  seen: Observed,
): Failure => {
  const { output } = seen
  const failure = exit === undefined ? failedEvent(event, seen) : failedExit(exit, wasReady, seen)
  return { ...failure, message: `${failure.message}${inUseHint(seen, exit)}`, output }
}

// A repair for a command that cannot run. `program` is quoted.
function otherCommand(program: string): string | undefined {
  const why = whyNoProgram(program.slice(1, -1))
  if (why !== undefined) return why
  return /\.[cm]?[jt]s.$/.test(program)
    ? 'write the program that runs it first, such as node'
    : undefined
}

function failedExit(exit: Exit, wasReady: boolean, seen: Observed): Omit<Failure, 'output'> {
  const { pid, program, after } = seen
  if (exit.error !== undefined) {
    return { kind: 'cannot-start', message: `no process could be started: ${exit.error}` }
  }
  if (exit.code === NOT_FOUND && !wasReady) {
    return {
      kind: 'not-found',
      message: `${program} was not found (${describeExit(exit)}); ${otherCommand(program) ?? 'check the command and PATH'}`,
    }
  }
  if (exit.code === NOT_EXECUTABLE && !wasReady) {
    return {
      kind: 'not-executable',
      message: `${program} cannot be executed (${describeExit(exit)}); ${otherCommand(program) ?? 'check its permissions'}`,
    }
  }
  const when = wasReady ? 'right after it became ready' : 'before it was ready'
  const kind = wasReady ? 'ended-after-ready' : 'ended'
  const message = `process ${pid} ended ${when}, ${Math.round(after)} ms after its start: ${describeExit(exit)}`
  return { kind, message: `${message}${foreignPidHint(seen)}` }
}

// Why a process that still runs did not become ready.
function failedEvent(event: Event, seen: Observed): Omit<Failure, 'output'> {
  const process = `process ${seen.pid}`
  switch (event) {
    case 'start-timeout': {
      const waited = `${process} was not ready after ${Math.round(seen.after)} ms (--ready-timeout)`
      return { kind: 'timeout', message: `${waited}: ${whyNotReady(seen)}` }
    }
    case 'leaving':
      return { kind: 'ended', message: `${process} sent STOPPING=1 before it counted as ready` }
    case 'abandoned':
      return { kind: 'ended', message: `${process} ended before the server below it was ready` }
    case 'hung':
      return { kind: 'hung', message: `${process} stopped sending WATCHDOG=1` }
    default:
      return { kind: 'stopped', message: `${process} was stopped before it was ready` }
  }
}

/** The failure of a process that was ready, and ended before the rest of its generation was. */
export const endedLate = (pid: number): Omit<Failure, 'output'> => ({
  kind: 'ended-after-ready',
  message: `process ${pid} ended while the others of its generation were starting`,
})

/** Why a serving process began to drain by itself, for messages. */
export const leaveReasons: Partial<Record<Event, string>> = {
  leaving: 'it stops by itself (STOPPING=1)',
  abandoned: 'the program that has started it has ended, so it drains',
  hung: 'it did not send WATCHDOG=1 in time, so it is ended by SIGABRT',
}

const NO_NOTIFICATION =
  'A Node program that knows nothing of it needs socket-port run --register. Another program that does not ' +
  'notify needs --ready port, --ready log:REGEX or --ready delay:MS'

const ASK_FOR_IT = 'make the program ask for that address, or set SOCKET_PORT_REGISTER_TAKE=first'

const NO_SERVER = `The preload sends it when an HTTP server listens on an address of --listen: ${ASK_FOR_IT}`

const USE_THEM =
  'Make it use them, or pass --ready delay:MS. A Node program takes them without a change: socket-port run --register'

function whyNotReady(seen: Observed): string {
  const { ready } = seen
  switch (ready.kind) {
    case 'notify':
      if (seen.foreignPids.length > 0) return foreignPidHint(seen).slice(2)
      if (seen.endedServers.length > 0) {
        return `process ${seen.endedServers.join(', ')} below it had got a socket, and has ended; look at its output`
      }
      return seen.hasSpoken
        ? 'it uses NOTIFY_SOCKET, but has not sent READY=1; pass a longer --ready-timeout'
        : `it has not sent READY=1 to NOTIFY_SOCKET (sd_notify(3)). ${seen.register ? NO_SERVER : NO_NOTIFICATION}`
    case 'port':
      return seen.register
        ? `it waits for connections on no address of --listen: ${ASK_FOR_IT}`
        : `it waits for connections on none of the sockets that were passed to it (LISTEN_FDS). ${USE_THEM}`
    case 'log':
      return `no line of its output matches ${ready.pattern}`
    case 'delay':
      return 'pass a --ready-timeout that is longer than the delay'
  }
}

function foreignPidHint({ foreignPids, pid, register }: Observed): string {
  if (foreignPids.length === 0) return ''
  return (
    `; READY=1 came from process ${foreignPids.join(', ')}, not from process ${pid}, which was started. ` +
    `${register ? 'Start' : 'A Node program is heard below npm or a shell with --register. Otherwise start'} ` +
    'the server itself (not npm or a shell without exec), or pass --notify-access all'
  )
}
