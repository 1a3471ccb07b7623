import { counted } from '../../base/counted.ts'
import type { Facts, ServiceUnit } from './facts.ts'
import {
  error,
  isAccepted,
  join,
  nameSelf,
  notifies,
  passingUnits,
  type Rule,
  systemctlCommand,
  warning,
} from './report.ts'
import type { Problem } from './types.ts'

/** Rules about the service unit. */
export const serviceRules: readonly Rule[] = [
  startLimit,
  fdStore,
  notifyAccess,
  stopTimeout,
  watchdog,
  typeNotNotify,
  killMode,
]

function startLimit(facts: Facts): Problem[] {
  const { service } = facts
  if (service === undefined) return []
  const { id, restarts, restart, restartDelay, active, result, fdStoreMax = 0 } = service
  const { interval, burst } = service.startLimit
  const units = passingUnits(facts)
  const closed = units.filter((unit) => unit.result.endsWith('-limit-hit')).map((unit) => unit.id)
  const hit =
    result === 'start-limit-hit' ||
    (active === 'failed' && restart !== 'no' && burst > 0 && restarts >= burst)
  if (hit || closed.length > 0) return [limitHit(service, closed, facts)]
  const reachable =
    interval > 0 && burst > 0 && (restart === 'no' || restartDelay * burst < interval)
  if (!reachable || (units.length === 0 && fdStoreMax === 0)) return []
  return [
    warning(
      'START_LIMIT',
      `${id} may start ${counted(burst, 'time')} in ${seconds(interval)}; after one more crash systemd does not ` +
        'start it again, and closes its sockets',
      'set StartLimitIntervalSec=0 in [Unit], with Restart=on-failure and RestartSec=1 in [Service]',
    ),
  ]
}

/** `closed`: the socket units that systemd has closed with it. */
function limitHit(
  { id, startLimit }: ServiceUnit,
  closed: readonly string[],
  facts: Facts,
): Problem {
  const { interval, burst } = startLimit
  const command = systemctlCommand(facts)
  const refused =
    closed.length === 0 ? '' : `, so systemd has closed ${join(closed)}: clients are refused`
  return error(
    'START_LIMIT_HIT',
    `${id} was started more than ${counted(burst, 'time')} in ${seconds(interval)}${refused}`,
    `find out why it ends (journalctl -u ${id}), set StartLimitIntervalSec=0 in its [Unit], then run ` +
      `${command} reset-failed ${[id, ...closed].join(' ')}, and ${command} start ${closed.join(' ') || id}`,
  )
}

function fdStore({ listeners, service, sockets }: Facts): Problem[] {
  const { id = '', fdStoreMax } = service ?? {}
  // A socket that a .socket unit keeps need not be stored.
  const isStored = (fd: number | undefined): boolean =>
    sockets.some((socket) => socket.fd === fd && socket.stored)
  const wanted = listeners.filter(
    ({ request, source, fd }) => request.fdStore === true && (source === 'bound' || isStored(fd)),
  ).length
  if (fdStoreMax === undefined || wanted <= fdStoreMax) return []
  const mend = `set FileDescriptorStoreMax=${Math.max(16, wanted)} in [Service] of ${id}`
  if (fdStoreMax > 0) {
    return [
      error(
        'FD_STORE_TOO_SMALL',
        `the program stores ${counted(wanted, 'socket')}, but ${id} has FileDescriptorStoreMax=${fdStoreMax}: ` +
          'systemd does not keep the others',
        mend,
      ),
    ]
  }
  return [
    error(
      'FD_STORE_OFF',
      `fdStore is set, but ${id} has FileDescriptorStoreMax=0: systemd stores no socket, and clients ` +
        'are refused between two processes',
      mend,
    ),
  ]
}

function notifyAccess(facts: Facts): Problem[] {
  const { service, environment, starter, seen, self, clusterWorker } = facts
  if (seen !== 'process' || service === undefined || starter.wrappers.length > 0) return []
  if (environment.NOTIFY_SOCKET === undefined || isAccepted(facts) || clusterWorker) return []
  return [
    error(
      'NOTIFY_ACCESS',
      `${service.id} has NotifyAccess=${service.notifyAccess} and its main process is pid ` +
        `${service.mainPid}: systemd ignores the notifications of ${nameSelf(facts)}`,
      `start node itself (ExecStart=${self.start}), or set NotifyAccess=all`,
    ),
  ]
}

// Added to the drain in the proposed time-out: the time for hooks, and for the process to end.
const MARGIN = 5_000

function stopTimeout(facts: Facts): Problem[] {
  const { service, listeners } = facts
  const longest = Math.max(0, ...listeners.map(({ request }) => request.drain?.timeout ?? 0))
  if (service === undefined || longest < service.stopTimeout || longest === 0) return []
  // A drain whose notifications arrive asks for more time while it runs (EXTEND_TIMEOUT_USEC).
  if (isAccepted(facts) && notifies(facts)) return []
  return [
    warning(
      'STOP_TIMEOUT',
      `${service.id} has TimeoutStopSec=${seconds(service.stopTimeout)}, but a drain may take ` +
        `${seconds(longest)}: systemd would kill the process (SIGKILL) before it is over`,
      `set TimeoutStopSec=${Math.ceil((longest + MARGIN) / 1_000)}; or set Type=notify, so that the drain ` +
        'asks for more time; or lower drain.timeout',
    ),
  ]
}

function watchdog(facts: Facts): Problem[] {
  const { service, environment, self, starter, listeners, clusterWorker } = facts
  const { WATCHDOG_USEC, WATCHDOG_PID = String(self.pid) } = environment
  if (WATCHDOG_USEC === undefined || starter.wrappers.length > 0 || clusterWorker) return []
  const period = seconds(service?.watchdog || Number(WATCHDOG_USEC) / 1_000)
  const head = `WatchdogSec=${period} is set, but `
  if (WATCHDOG_PID !== String(self.pid)) {
    return [
      error(
        'WATCHDOG',
        `${head}systemd expects the keep-alives from pid ${WATCHDOG_PID}, not from ${nameSelf(facts)}`,
        `start node itself: ExecStart=${self.start}`,
      ),
    ]
  }
  if (listeners.length === 0 || notifies(facts)) return []
  return [
    error(
      'WATCHDOG',
      `${head}nothing in ${nameSelf(facts)} sends keep-alives: systemd will end it`,
      'remove notify: false from serve, or send keep-alives yourself with notify({ watchdog: true }), ' +
        'or remove WatchdogSec=',
    ),
  ]
}

function typeNotNotify(facts: Facts): Problem[] {
  const { service } = facts
  if (service === undefined || service.type.startsWith('notify') || !notifies(facts)) return []
  return [
    warning(
      'TYPE_NOT_NOTIFY',
      `${service.id} has Type=${service.type}: systemd counts it as started before it listens, even ` +
        'if it then cannot listen',
      'set Type=notify in [Service]',
    ),
  ]
}

// `socket-port run`, by its name or by its file, as ExecStart= has it.
const RUN = /(?:^|[\s/])socket-port(?:\/dist\/main)?(?:\.[cm]?js)?\s+run(?:\s|$)/

function killMode({ serviceAround, starter }: Facts): Problem[] {
  if (serviceAround?.killMode !== 'control-group') return []
  const { id, command } = serviceAround
  if (starter.kind !== 'socket-port' && !RUN.test(command)) return []
  return [
    warning(
      'KILL_MODE',
      `${id} has KillMode=control-group, the default, and runs socket-port run: when the service stops, ` +
        'systemd sends SIGTERM to the program as well, which socket-port run stops by itself',
      `set KillMode=mixed in [Service] of ${id}`,
    ),
  ]
}

const seconds = (milliseconds: number): string =>
  Number.isFinite(milliseconds) ? `${milliseconds / 1_000}s` : 'infinity'
