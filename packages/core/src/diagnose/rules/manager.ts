import { asksForSockets } from './asking.ts'
import type { Facts } from './facts.ts'
import { error, join, nameProcess, nameSelf, passedTo, type Rule } from './report.ts'
import type { Problem } from './types.ts'

/** Rules about the way from the manager to the process. */
export const managerRules: readonly Rule[] = [
  ({ service, seen, starter }) =>
    seen === 'unit' && service?.loaded === false
      ? [
          error(
            'UNIT_NOT_FOUND',
            `there is no unit ${starter.unit}`,
            'check the name (systemctl list-unit-files), put the file into /etc/systemd/system, and ' +
              'run systemctl daemon-reload',
          ),
        ]
      : [],
  clusterWorker,
  wrapperAround,
  wrapperInUnit,
  wrongPid,
  invalidEnvironment,
]

function clusterWorker(facts: Facts): Problem[] {
  const { clusterWorker, environment } = facts
  if (!clusterWorker || environment.LISTEN_FDS === undefined) return []
  return [
    error(
      'CLUSTER_WORKER',
      `${nameSelf(facts)} is a worker of node:cluster: its fd 3 is the channel to the primary, so it ` +
        'cannot use the sockets that were passed',
      'start several processes on one socket instead: a template unit (app@.service), or ' +
        'socket-port run --workers',
    ),
  ]
}

function wrapperAround(facts: Facts): Problem[] {
  const { starter, self, clusterWorker } = facts
  const { wrappers, kind, unit } = starter
  const lost = clusterWorker || asksForSockets(facts) ? [] : whatIsLost(facts)
  if (wrappers.length === 0 || lost.length === 0) return []
  const manager = unit === undefined ? 'the manager' : `systemd (${unit})`
  const run = wrappers.length === 1 ? 'runs' : 'run'
  return [
    error(
      'WRAPPER',
      `${join(wrappers.map(nameProcess))} ${run} between ${manager} and ${nameSelf(facts)}: ` +
        join(lost),
      kind === 'systemd'
        ? `start node itself: ExecStart=${self.start}`
        : `let the manager start node itself: ${self.start}`,
    ),
  ]
}

function whatIsLost(facts: Facts): string[] {
  const { environment, service, self } = facts
  const { NOTIFY_SOCKET, WATCHDOG_PID = String(self.pid) } = environment
  const lost: string[] = []
  if (passedTo(facts) !== undefined) lost.push('the passed sockets are lost')
  if (NOTIFY_SOCKET !== undefined && service !== undefined && service.notifyAccess !== 'all') {
    lost.push(`systemd ignores notifications (NotifyAccess=${service.notifyAccess})`)
  }
  if (WATCHDOG_PID !== String(self.pid)) {
    lost.push('no keep-alives are sent')
  }
  return lost
}

const WRAPPERS = /^(?:\S*\/)?(?:npm|npx|pnpm|pnpx|yarn|tsx|ts-node|nodemon|pm2)(?:\s|$)/
const WATCH = /^(?:\S*\/)?node\s(?:.*\s)?--watch\b/

// From outside, only the command line shows a wrapper.
function wrapperInUnit({ seen, service, socketUnits }: Facts): Problem[] {
  if (seen !== 'unit' || service === undefined) return []
  const { command, type } = service
  if (!WRAPPERS.test(command) && !WATCH.test(command)) return []
  if (socketUnits.length === 0 && !type.startsWith('notify')) return []
  return [
    error(
      'WRAPPER',
      `${service.id} has ExecStart=${command}, which puts a process between systemd and node: ` +
        'passed sockets are lost, and systemd may ignore notifications',
      'start node itself: ExecStart=/usr/bin/node and the file that this command starts',
    ),
  ]
}

function wrongPid(facts: Facts): Problem[] {
  const meant = passedTo(facts)
  if (meant === undefined || facts.clusterWorker || asksForSockets(facts)) return []
  if (facts.starter.wrappers.some(({ pid }) => pid === meant)) return []
  return [
    error(
      'PID_WRONG',
      `LISTEN_PID is ${meant}, which is neither ${nameSelf(facts)} nor a process that started it: ` +
        'the variables were copied from the environment of another process',
      'remove LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES from the environment, or let systemd or ' +
        'socket-port run start the process',
    ),
  ]
}

function invalidEnvironment(facts: Facts): Problem[] {
  const { refusal, notifyProblems } = facts
  const own = refusal === undefined || passedTo(facts) !== undefined ? [] : [refusal]
  return [...own, ...notifyProblems].map((problem) =>
    error(
      'ENVIRONMENT_INVALID',
      problem,
      'unset the variable, or start the process with a manager that sets it',
    ),
  )
}
