import cluster from 'node:cluster'
import { closeSync, readdirSync } from 'node:fs'
import { SocketPortError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import type { InheritedSocket, Logger } from '../base/types.ts'
import { claim, look, type Variables } from '../process/environment.ts'
import { perProcess } from '../process/per-process.ts'
import { claimSuccessor } from '../process/successor.ts'
import { NO_FACTS, problemOf, type SocketFacts, type SocketSystem } from '../sockets/facts.ts'
import { socketSystem } from '../sockets/system.ts'
import { readStoreName } from './fd-name.ts'
import { type Environment, type PassedFd, readEnvironment } from './listen-fds.ts'
import { type Candidate, describeCandidate, isTaken, type SocketState } from './match.ts'

/** An inherited socket, or one that is kept like one. It stays open; listeners take duplicates of it. */
export interface Entry extends Candidate {
  /** Its name in LISTEN_FDNAMES, or in the manager's fd store. */
  fdname: string
}

/** What was read from the variables of the manager. */
export interface Reported {
  outcome: Environment
  /** How many of the passed descriptors are not open. */
  missing: number
}

interface Registry {
  entries: Entry[]
  /** Queues in which connections of the previous process wait. */
  queues: number[]
  reported: Reported
  /** Loaded only when something was inherited; duplicates are made with it. */
  system: SocketSystem | undefined
}

// Every copy of this package in the process shares one: two copies must not take the same socket.
const shared = perProcess<Registry>('registry/1')

/** The sockets that were passed to this process. The first call claims the variables of the manager. */
export const inheritedEntries = (logger: Logger): Entry[] =>
  shared.get(() => claimRegistry(logger)).entries

/** What was passed to this process, for a diagnosis or the advice of an error: asking claims nothing. */
export function lookAtInherited(logger: Logger): Reported & { entries: readonly Entry[] } {
  const { entries, reported } = shared.current ?? readRegistry(look('sockets'), logger)
  return { ...reported, entries }
}

/** Returns the queues with connections of the previous process. The caller then owns them. */
export const takeQueues = (): number[] => shared.current?.queues.splice(0) ?? []

/** The inherited sockets that listen and that no server has taken; they stay the registry's. */
export const freeListeners = (): number[] =>
  (shared.current?.entries ?? [])
    .filter(({ state }) => state.kind === 'unclaimed' || state.kind === 'released')
    .map(({ fd }) => fd)

/** Lists every socket that was passed to this process, usable or not, taken or not. */
export const listInherited = (logger: Logger): InheritedSocket[] =>
  listEntries(inheritedEntries(logger))

/** The same, of entries that are known already. */
export const listEntries = (entries: readonly Entry[]): InheritedSocket[] =>
  entries.filter(({ origin }) => origin !== 'kept').map(asListed)

function asListed(entry: Entry): InheritedSocket {
  const { fd, name, family, address, port, path, ipv6Only, listening, backlog, state } = entry
  // Only the length of the queue can have changed.
  const now = shared.current?.system?.describe(fd) ?? entry
  return {
    fd,
    name,
    family,
    address,
    port,
    path,
    ipv6Only,
    listening,
    backlog,
    queueLength: typeof now === 'object' ? now.queueLength : undefined,
    taken: isTaken(entry),
    stored: entry.origin === 'stored',
    problem: problemIn(state),
  }
}

/** A taken socket. The taker owns `fd`, and calls `release` after it is closed. */
export interface Taken {
  fd: number
  release: () => void
}

/**
 * Takes a close-on-exec duplicate of the socket, so that closing it leaves the manager's socket open. Where
 * no duplicate can be made, the first taker gets the inherited descriptor itself. `askedFor` is what the
 * taker has asked for, if that is another port or path.
 */
export function take(entry: Entry, askedFor?: string): Taken {
  const duplicate = shared.current?.system?.duplicate(entry.fd)
  if (duplicate === undefined && isTaken(entry)) throw cannotShare(entry)
  addTaker(entry, askedFor)
  let held = true
  const release = (): void => {
    if (!held) return
    held = false
    removeTaker(entry)
    // Without a duplicate the taker has closed the inherited descriptor itself.
    if (duplicate === undefined) forget(entry)
  }
  return { fd: duplicate ?? entry.fd, release }
}

function addTaker(entry: Entry, askedFor: string | undefined): void {
  const { state } = entry
  const before = state.kind === 'taken' ? state : { takers: 0, askedFor: undefined }
  entry.state = {
    kind: 'taken',
    takers: before.takers + 1,
    askedFor: before.askedFor ?? askedFor,
  }
}

function removeTaker(entry: Entry): void {
  const { state } = entry
  if (state.kind !== 'taken') return
  const takers = state.takers - 1
  entry.state = takers > 0 ? { ...state, takers } : { kind: 'released' }
}

/** Why the socket cannot be served; `undefined` if it can. */
const problemIn = (state: SocketState): string | undefined =>
  state.kind === 'unusable' ? state.problem : undefined

// Node refuses a second server on one descriptor (EEXIST).
function cannotShare(entry: Entry): SocketPortError {
  return new SocketPortError(
    'ERR_SOCKET_PORT_UNSUPPORTED',
    `${describeCandidate(entry)} is taken, and cannot be shared: without native code there is no ` +
      'duplicate of it. Allow native code, or serve it with one server',
    { fd: entry.fd, port: entry.port, path: entry.path },
  )
}

/**
 * Keeps a listening socket that was bound here as if it had been passed: servers get duplicates, and can
 * close and listen again. `nameOf` gets its facts and the names that the store has already.
 */
export function keep(
  fd: number,
  name: string | undefined,
  nameOf: (facts: SocketFacts, present: string[]) => string,
  logger: Logger,
): Entry {
  const entries = inheritedEntries(logger)
  const registry = shared.current as Registry
  registry.system ??= socketSystem(logger)
  const found = registry.system.describe(fd)
  const facts = typeof found === 'string' ? NO_FACTS : found
  const present = entries.map(({ fdname }) => fdname)
  const entry: Entry = {
    ...facts,
    fd,
    name: name ?? UNKNOWN,
    fdname: nameOf(facts, present),
    origin: 'kept',
    state: { kind: 'unclaimed' },
  }
  entries.push(entry)
  return entry
}

/** Closes a socket that no listener has taken, in every process that holds it. */
export function drop(entry: Entry): void {
  forget(entry)
  // The manager closes its copy later, but the address must be free now.
  try {
    shared.current?.system?.shutDown(entry.fd)
  } catch {
    // It no longer listened.
  }
  closeSync(entry.fd)
}

function forget(entry: Entry): void {
  const entries = shared.current?.entries ?? []
  const index = entries.indexOf(entry)
  if (index >= 0) entries.splice(index, 1)
}

function claimRegistry(logger: Logger): Registry {
  claimSuccessor()
  const registry = readRegistry(claim('sockets'), logger)
  for (const { fd, state } of registry.entries) {
    if (state.kind !== 'unusable') registry.system?.setCloseOnExec(fd)
  }
  return registry
}

/** Describes what was passed; changes no descriptor. */
function readRegistry(variables: Variables<'sockets'>, logger: Logger): Registry {
  let system: SocketSystem | undefined
  const loaded = (): SocketSystem => {
    system ??= socketSystem(logger)
    return system
  }
  const { SOCKET_PORT_GENERATION } = process.env
  const environment = readEnvironment(
    { ...variables, SOCKET_PORT_GENERATION },
    { pid: process.pid, pidfdInode: () => loaded().pidfdInode() },
  )
  const reported: Reported = { outcome: environment, missing: 0 }
  const nothing: Registry = { entries: [], queues: [], reported, system: undefined }
  if (cluster.isWorker && environment.kind !== 'absent') {
    // In a cluster worker fd 3 is the channel to the primary, and `listen({ fd })` names the primary's descriptor.
    logger.warn(
      'no socket is inherited: a cluster worker has none of its own, they were passed to its primary. ' +
        'Start the server without node:cluster, several times on one socket: ' +
        'socket-port run --workers N -- node server.js',
    )
    return nothing
  }
  if (environment.kind === 'refused') {
    logger.warn(`no socket is inherited: ${environment.problem}`)
  }
  if (environment.kind !== 'passed') return nothing
  const isQueue = ({ name }: PassedFd): boolean => readStoreName(name).kind === 'queue'
  const queues = environment.fds.filter(isQueue).map(({ fd }) => fd)
  const entries = describeAll(environment.fds, loaded(), logger, reported)
  return { entries, queues, reported, system: loaded() }
}

function describeAll(
  passed: PassedFd[],
  system: SocketSystem,
  logger: Logger,
  reported: Reported,
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
    if (problem !== undefined) problems.push(`fd ${fd} ${quote(name)} ${problem}`)
  }
  reported.missing = missing
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

// The name that sd_listen_fds_with_names(3) gives to a socket without one.
const UNKNOWN = 'unknown'

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
