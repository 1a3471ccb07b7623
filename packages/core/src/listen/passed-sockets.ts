import { readdirSync } from 'node:fs'
import { clusterWorker } from '../base/built-in.ts'
import type { Logger } from '../base/types.ts'
import { canAsk, type Variables } from '../process/environment.ts'
import { NO_FACTS, problemOf, type SocketSystem } from '../sockets/facts.ts'
import { socketSystem } from '../sockets/system.ts'
import { type Candidate, describeCandidate, describeNamed } from './candidate.ts'
import { readStoreName, UNKNOWN } from './fd-name.ts'
import { type ListenFds, type PassedFd, readListenFds } from './listen-fds.ts'

/** An inherited socket, or one that is kept like one. It stays open; listeners take duplicates of it. */
export interface Entry extends Candidate {
  /** Its name in LISTEN_FDNAMES, or in the manager's fd store. */
  fdname: string
}

/** What was read from the variables of the manager. */
export interface ReadVariables {
  outcome: ListenFds
  /** How many of the passed descriptors are not open. */
  missing: number
}

/** What the manager passed to this process. */
export interface Passed {
  entries: Entry[]
  /** Queues in which connections of the previous process wait. */
  queues: number[]
  read: ReadVariables
  /** Loaded only when something was inherited; duplicates are made with it. */
  system: SocketSystem | undefined
}

/** Finds out what the manager passed to this process, and warns about what is wrong with it. Changes no descriptor. */
export const readPassed = (variables: Variables<'sockets'>, logger: Logger): Passed =>
  variables.LISTEN_FDS === undefined
    ? noneOf({ outcome: { kind: 'absent' }, missing: 0 })
    : readVariables(variables, logger)

const noneOf = (read: ReadVariables): Passed => ({
  entries: [],
  queues: [],
  read,
  system: undefined,
})

function readVariables(variables: Variables<'sockets'>, logger: Logger): Passed {
  let system: SocketSystem | undefined
  const loaded = (): SocketSystem => {
    system ??= socketSystem(logger)
    return system
  }
  const { SOCKET_PORT_GENERATION } = process.env
  const environment = readListenFds(
    { ...variables, SOCKET_PORT_GENERATION },
    { pid: process.pid, pidfdInode: () => loaded().pidfdInode() },
  )
  const read: ReadVariables = { outcome: environment, missing: 0 }
  if (clusterWorker() !== undefined) {
    // In a cluster worker fd 3 is the channel to the primary, and `listen({ fd })` names the primary's descriptor.
    logger.warn(
      'no socket is inherited: a cluster worker has none of its own, they were passed to its primary. ' +
        'Start the server without node:cluster, several times on one socket: ' +
        'socket-port run --workers N -- node server.js',
    )
    return noneOf(read)
  }
  // Below a wrapper the sockets are asked for, and only a failure of that is reported.
  if (environment.kind === 'refused' && !(environment.foreign === true && canAsk())) {
    logger.warn(`no socket is inherited: ${environment.problem}`)
  }
  if (environment.kind !== 'passed') return noneOf(read)
  const isQueue = ({ name }: PassedFd): boolean => readStoreName(name).kind === 'queue'
  const queues = environment.fds.filter(isQueue).map(({ fd }) => fd)
  const entries = describePassed(environment.fds, loaded(), logger, read)
  return { entries, queues, read, system: loaded() }
}

/** Queries each passed socket, and warns about those that cannot be served. */
export function describePassed(
  passed: PassedFd[],
  system: SocketSystem,
  logger: Logger,
  read: Pick<ReadVariables, 'missing'> = { missing: 0 },
): Entry[] {
  const open = openDescriptors()
  const entries: Entry[] = []
  const problems: string[] = []
  let missing = 0
  for (const { fd, name: fdname } of passed) {
    const origin = readStoreName(fdname)
    if (origin.kind === 'queue' || origin.kind === 'other') continue
    const stored = origin.kind === 'listener'
    const name = stored ? (origin.name ?? UNKNOWN) : fdname
    const found = open?.has(fd) === false ? 'is not open' : system.describe(fd)
    if (found === 'is not open') {
      missing += 1
      continue
    }
    const facts = typeof found === 'string' ? NO_FACTS : found
    const problem = typeof found === 'string' ? found : problemOf(found)
    entries.push({
      ...facts,
      fd,
      name,
      fdname,
      origin: stored ? 'stored' : 'passed',
      state: problem === undefined ? { kind: 'unclaimed' } : { kind: 'unusable', problem },
    })
    if (problem !== undefined) problems.push(`${describeNamed({ fd, name })} ${problem}`)
  }
  read.missing = missing
  if (missing > 0) {
    problems.unshift(
      `${missing} of ${passed.length} passed descriptors are not open; a program in between ` +
        '(npm start, a shell without exec) may have closed them',
    )
  }
  if (problems.length > 0) {
    logger.warn(
      `the manager passed descriptors that cannot be served, and they are left alone: ${shorten(problems)}. ` +
        'Pass listening stream sockets from fd 3 on (sd_listen_fds(3))',
    )
  }
  for (const entry of entries) logger.debug(`inherited ${describeCandidate(entry)}`)
  return entries
}

const shorten = (problems: string[]): string =>
  problems.length <= 8
    ? problems.join('; ')
    : `${problems.slice(0, 8).join('; ')}; and ${problems.length - 8} more`

// LISTEN_FDS may count a million descriptors. Querying each one that is not open would take seconds.
function openDescriptors(): Set<number> | undefined {
  try {
    return new Set(readdirSync('/proc/self/fd').map(Number))
  } catch {
    return undefined
  }
}
