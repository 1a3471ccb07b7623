import { checkOptions, invalid, milliseconds, resolveLogger } from '../base/options.ts'
import type { Logger } from '../base/types.ts'
import { describeRequest } from '../listen/inherit.ts'
import type { Listening } from '../listen/listening-servers.ts'
import { socketAddress } from '../listen/match.ts'
import { type Gathered, gatherPid, gatherProcess, gatherUnit } from './gather.ts'
import { passedIsKnown } from './outside.ts'
import type { Facts } from './rules/facts.ts'
import { judge } from './rules/judge.ts'
import type { DiagnosedListener, DiagnoseOptions, Diagnosis } from './rules/types.ts'

const KEYS = ['unit', 'pid', 'timeout', 'logger']

/**
 * Who started this process, what was passed and what was taken, what is wrong with that and how to
 * mend it; of a systemd service from outside with `unit`. Changes nothing and takes nothing; systemd
 * is asked, through `systemctl`, only under systemd or about a unit.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION or …_UNKNOWN_OPTION, and nothing else.
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const { unit, pid, logger } = check(options)
  const signal = AbortSignal.timeout(milliseconds('timeout', options.timeout, 2_000))
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
  // A shell in a terminal may belong to a service too, that of the terminal.
  const isProgram = starter.kind === 'systemd' ? service?.mainPid === self.pid : false
  return isProgram || starter.kind === 'socket-port' ? seen : 'nothing'
}

function check(
  options: DiagnoseOptions,
): Pick<DiagnoseOptions, 'unit' | 'pid'> & { logger: Logger } {
  checkOptions(options, KEYS, 'diagnose')
  const { unit, pid } = options
  // What starts with a dash would be an option to systemctl.
  if (unit !== undefined && !/^[\w:.\\@][\w:.\\@-]*$/.test(unit)) {
    throw invalid('unit', unit, "the name of a systemd service, such as 'app.service'")
  }
  if (pid !== undefined && (!Number.isSafeInteger(pid) || pid < 1)) {
    throw invalid('pid', pid, 'the id of a process')
  }
  if (pid !== undefined && unit !== undefined) {
    throw invalid('pid', pid, 'left out where `unit` is given')
  }
  return { unit, pid, logger: resolveLogger(options.logger) }
}

function describeListening({ request, source, fd, address }: Listening): DiagnosedListener {
  return { request: describeRequest(request), source, fd, address: addressText(address) }
}

function addressText(address: Listening['address']): string {
  if (address === null || typeof address === 'string') return `unix:${address ?? ''}`
  const family = address.family === 'IPv6' ? 'IPv6' : 'IPv4'
  return socketAddress({ ...address, family, path: undefined })
}
