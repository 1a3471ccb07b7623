import {
  type Check,
  type Checks,
  type Complete,
  invalid,
  logger,
  milliseconds,
  optional,
  resolveOptions,
} from '../base/validate.ts'
import { addressText } from '../listen/candidate.ts'
import { describeRequest } from '../listen/inherit.ts'
import type { Listening } from '../listen/listening-servers.ts'
import { type Gathered, gatherPid, gatherProcess, gatherUnit } from './gather.ts'
import { passedIsKnown } from './outside.ts'
import type { Facts } from './rules/facts.ts'
import { judge } from './rules/judge.ts'
import type { DiagnosedListener, DiagnoseOptions, Diagnosis } from './rules/types.ts'

// The name of a unit that starts with a dash would be an option to systemctl.
const unit: Check<string> = (name, value) => {
  if (typeof value === 'string' && /^[\w:.\\@][\w:.\\@-]*$/.test(value)) return value
  throw invalid(name, value, "the name of a systemd service, such as 'app.service'")
}

const pid: Check<number> = (name, value) => {
  if (Number.isSafeInteger(value) && Number(value) >= 1) return Number(value)
  throw invalid(name, value, 'the id of a process')
}

type Resolved = Complete<DiagnoseOptions, 'unit' | 'pid'>

const OPTIONS: Checks<Resolved> = {
  unit: optional(unit),
  pid: optional(pid),
  timeout: milliseconds(2_000),
  logger,
}

/**
 * Finds out who started this process, what was passed to it, which server took what, what is wrong, and
 * how to mend it. With `unit` or `pid` it looks at a systemd service or another process from outside.
 * It changes nothing: it takes no socket and leaves the environment as it is. It runs `systemctl` only under
 * systemd, or about a unit.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION or …_UNKNOWN_OPTION, and nothing else.
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const { unit, pid, timeout, logger } = check(options)
  const signal = AbortSignal.timeout(timeout)
  const { facts, unknown } = await gather()
  const { self, starter, environment, sockets, listeners } = facts
  function gather(): Promise<Gathered> {
    if (unit !== undefined) return gatherUnit(unit, signal)
    return pid === undefined || pid === process.pid
      ? gatherProcess(logger, signal)
      : gatherPid(pid, signal)
  }
  return {
    pid: self.pid,
    seen: seenIn(facts, unknown),
    command: self.command,
    starter,
    environment: { ...environment },
    sockets: [...sockets],
    listeners: listeners.map(describeListening),
    problems: judge(facts),
    unknown,
  }
}

function seenIn(facts: Facts, unknown: readonly string[]): Diagnosis['seen'] {
  const { seen, self, starter, environment, service, sockets, listeners } = facts
  if (seen === 'unit') {
    const isRead = self.pid !== 0 && passedIsKnown(unknown)
    return service !== undefined || isRead ? seen : 'nothing'
  }
  const { LISTEN_FDS, NOTIFY_SOCKET } = environment
  if (listeners.length > 0 || sockets.length > 0) return seen
  if (LISTEN_FDS !== undefined || NOTIFY_SOCKET !== undefined) return seen
  // A shell in a terminal belongs to a service too: that of the terminal.
  const isProgram = starter.kind === 'systemd' ? service?.mainPid === self.pid : false
  return isProgram || starter.kind === 'socket-port' ? seen : 'nothing'
}

function check(options: DiagnoseOptions): Resolved {
  const given = resolveOptions(options, OPTIONS, 'diagnose')
  const { unit, pid } = given
  if (pid !== undefined && unit !== undefined) {
    throw invalid('pid', pid, 'left out where `unit` is given')
  }
  return given
}

function describeListening({ request, source, fd, address }: Listening): DiagnosedListener {
  return { request: describeRequest(request), source, fd, address: addressText(address) }
}
