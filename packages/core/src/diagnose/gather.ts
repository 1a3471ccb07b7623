import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import type { Logger } from '../base/types.ts'
import { listeningServers } from '../listen/listening-servers.ts'
import { listEntries, lookAtInherited } from '../listen/socket-registry.ts'
import { readNotifyVariables } from '../notify/variables.ts'
import { ancestorsOf, argvOf, commandOf, environOf, procIsOurs, statOf } from '../proc/process.ts'
import { lastRefusal, wasGiven } from '../process/asked.ts'
import { ASK_VARIABLE, canAsk, claimedVariables } from '../process/environment.ts'
import { parseServiceName, type ServiceName } from '../systemd/cgroup.ts'
import { findLostPaths } from './lost-paths.ts'
import { lookAt } from './outside.ts'
import type { Asking, Facts, SocketUnit } from './rules/facts.ts'
import { findStarter } from './starter.ts'
import { askSystemd } from './systemctl.ts'

const VARIABLES = [
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_PIDFDID',
  'LISTEN_FDNAMES',
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'FDSTORE',
  'INVOCATION_ID',
  'SYSTEMD_EXEC_PID',
  'SOCKET_PORT_GENERATION',
  'SOCKET_PORT_WORKER',
]

export interface Gathered {
  facts: Facts
  /** What could not be found out, and why. */
  unknown: string[]
}

/** Gathers the facts about this process; never rejects, and asks systemd nothing after `signal`. */
export async function gatherProcess(logger: Logger, signal: AbortSignal): Promise<Gathered> {
  const { pid } = process
  const { entries, outcome, missing } = lookAtInherited(logger)
  // /proc keeps the variables that the process was started with; process.env has those that were set later.
  const environment = pick({
    ...Object.fromEntries(environOf(pid)),
    ...process.env,
    ...claimedVariables(),
  })
  const trusted = procIsOurs()
  const name = trusted ? parseServiceName(read('/proc/self/cgroup') ?? '') : undefined
  const answer = name === undefined ? undefined : await askSystemd(name, signal)
  const ancestors = trusted ? namedAncestorsOf(pid) : []
  const { version } = answer ?? {}
  const starter = findStarter({ pid, ancestors, environment, service: name, version })
  const of = starter.kind === 'systemd' ? answer : undefined
  const sockets = listEntries(entries)
  const facts: Facts = {
    seen: 'process',
    self: { pid, command: trusted ? nameOf(pid) : process.title, start: startCommand() },
    starter,
    ancestors,
    environment,
    asking: asking(),
    refusal: outcome.kind === 'refused' ? outcome.problem : undefined,
    notifyProblems: readNotifyVariables(environment, pid).problems,
    clusterWorker: cluster.isWorker,
    sockets,
    missing,
    lostPaths: findLostPaths(sockets.flatMap(({ path = '' }) => path)),
    listeners: listeningServers(),
    service: of?.service,
    serviceAround: answer?.service,
    socketUnits: of?.socketUnits ?? [],
    somaxconn: somaxconn(),
  }
  return { facts, unknown: [...unanswered(name, of?.failure), ...withoutProc(trusted)] }
}

/** Gathers the facts about a service from outside; never rejects, and asks systemd nothing after `signal`. */
export async function gatherUnit(unit: string, signal: AbortSignal): Promise<Gathered> {
  const user = process.getuid?.() !== 0
  let name: ServiceName = { unit: unit.includes('.') ? unit : `${unit}.service`, user: false }
  let answer = await askSystemd(name, signal)
  if (user && answer.service?.loaded !== true) {
    const own = await askSystemd({ ...name, user }, signal)
    if (own.service?.loaded === true) [name, answer] = [{ ...name, user }, own]
  }
  const { service, socketUnits, version, failure } = answer
  const pid = service?.mainPid ?? 0
  const outside = pid === 0 ? undefined : lookAt(pid)
  const facts: Facts = {
    seen: 'unit',
    self: { pid, command: pid === 0 ? '' : nameOf(pid), start: service?.command ?? '' },
    starter: { kind: 'systemd', pid: undefined, version, wrappers: [], ...name },
    ancestors: [],
    environment: pick(outside?.environment ?? {}),
    asking: undefined,
    refusal: undefined,
    notifyProblems: [],
    clusterWorker: false,
    sockets: outside?.sockets ?? [],
    missing: 0,
    lostPaths: findLostPaths(pathsOf(socketUnits)),
    listeners: [],
    service,
    serviceAround: service,
    socketUnits,
    somaxconn: undefined,
  }
  return { facts, unknown: [...unanswered(name, failure), ...(outside?.unknown ?? [])] }
}

/** Gathers the facts about another process; never rejects, and asks systemd nothing after `signal`. */
export async function gatherPid(pid: number, signal: AbortSignal): Promise<Gathered> {
  const name = parseServiceName(read(`/proc/${pid}/cgroup`) ?? '')
  const answer = name === undefined ? undefined : await askSystemd(name, signal)
  const ancestors = namedAncestorsOf(pid)
  const { sockets, unknown, ...outside } = lookAt(pid)
  const environment = pick(outside.environment)
  const { version } = answer ?? {}
  const starter = findStarter({ pid, ancestors, environment, service: name, version })
  const of = starter.kind === 'systemd' ? answer : undefined
  const facts: Facts = {
    seen: 'unit',
    self: { pid, command: nameOf(pid), start: nameOf(pid) },
    starter,
    ancestors,
    environment,
    asking: ASK_VARIABLE in outside.environment ? { outcome: 'unknown' } : undefined,
    sockets,
    refusal: outside.refusal,
    notifyProblems: [],
    clusterWorker: false,
    missing: 0,
    listeners: [],
    lostPaths: findLostPaths(sockets.flatMap(({ path = '' }) => path)),
    service: of?.service,
    serviceAround: answer?.service,
    socketUnits: of?.socketUnits ?? [],
    somaxconn: undefined,
  }
  return { facts, unknown: [...unanswered(name, of?.failure), ...unknown] }
}

function asking(): Asking | undefined {
  if (wasGiven()) return { outcome: 'given' }
  const refusal = lastRefusal()
  if (refusal !== undefined) return { outcome: refusal.kind, problem: refusal.problem }
  return canAsk() ? { outcome: 'not asked' } : undefined
}

// An inactive unit has no socket. Its file may be left, or be removed (RemoveOnStop=): that is no problem.
const pathsOf = (units: readonly SocketUnit[]): string[] =>
  units.filter(({ active }) => active === 'active').flatMap(({ listens }) => listens)

const unanswered = (name: ServiceName | undefined, failure: string | undefined): string[] =>
  name === undefined || failure === undefined
    ? []
    : [`what ${name.unit} says: systemctl did not answer (${failure})`]

const withoutProc = (trusted: boolean): string[] =>
  trusted || process.platform !== 'linux'
    ? []
    : ['who started this process: /proc is not that of its pid namespace']

const namedAncestorsOf = (pid: number): { pid: number; command: string; argv: string[] }[] =>
  ancestorsOf(pid).map((one) => ({ pid: one, command: nameOf(one), argv: argvOf(one) }))

const nameOf = (pid: number): string => commandOf(pid, statOf(pid)?.name ?? '')

// Only these variables: others may be secret.
function pick(env: NodeJS.ProcessEnv): Record<string, string> {
  const picked: Record<string, string> = {}
  for (const name of VARIABLES) {
    const value = env[name]
    if (value !== undefined) picked[name] = value
  }
  return picked
}

/** The command line of this program from node on, quoted as ExecStart= takes it. */
function startCommand(): string {
  const words = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const line = words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)))
  return line.join(' ')
}

function somaxconn(): number | undefined {
  const text = read('/proc/sys/net/core/somaxconn')
  return text === undefined ? undefined : Number(text)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
