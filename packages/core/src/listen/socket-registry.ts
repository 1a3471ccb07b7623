import { closeSync } from 'node:fs'
import { SocketPortError } from '../base/errors.ts'
import type { InheritedSocket, Logger } from '../base/types.ts'
import { claim, look } from '../process/environment.ts'
import { perProcess } from '../process/per-process.ts'
import { claimSuccessor } from '../process/successor.ts'
import { NO_FACTS, type SocketFacts } from '../sockets/facts.ts'
import { socketSystem } from '../sockets/system.ts'
import { describeCandidate, isTaken, type SocketState } from './candidate.ts'
import { UNKNOWN } from './fd-name.ts'
import {
  describePassed,
  type Entry,
  type Passed,
  type ReadVariables,
  readPassed,
} from './passed-sockets.ts'

// Every copy of this package in the process shares one: two copies must not take the same socket.
const shared = perProcess<Passed>('inherited-sockets/1')

/** The sockets that were passed to this process. The first call claims the variables of the manager. */
export const inheritedEntries = (logger: Logger): Entry[] =>
  shared.get(() => claimPassed(logger)).entries

/** Whether nothing was passed to this very process: a supervisor may then be asked. */
export function wasPassedNothing(logger: Logger): boolean {
  const { outcome } = shared.get(() => claimPassed(logger)).read
  return outcome.kind === 'absent' || (outcome.kind === 'refused' && outcome.foreign === true)
}

/** Adds a socket that a supervisor has given on request, as if it had been passed. */
export function addGiven(fd: number, name: string, logger: Logger): Entry {
  const passed = shared.get(() => claimPassed(logger))
  passed.system ??= socketSystem(logger)
  const [entry] = describePassed([{ fd, name }], passed.system, logger)
  if (entry === undefined) throw new Error(`fd ${fd}, which it has given, is no socket`)
  passed.entries.push(entry)
  return entry
}

/** What was passed to this process, for a diagnosis or the advice of an error: asking claims nothing. */
export function lookAtInherited(logger: Logger): ReadVariables & { entries: readonly Entry[] } {
  const { entries, read } = shared.current ?? readPassed(look('sockets'), logger)
  return { ...read, entries }
}

/** Returns the queues with connections of the previous process. The caller then owns them. */
export const takeQueues = (): number[] => shared.current?.queues.splice(0) ?? []

/** Connections of the previous process may wait in inherited queues. */
export const queuesWait = (): boolean => (shared.current?.queues.length ?? 0) > 0

/** The inherited sockets that listen and that no server has taken. The registry still owns them. */
export const freeListeners = (): number[] =>
  (shared.current?.entries ?? [])
    .filter(({ state }) => state.kind === 'unclaimed' || state.kind === 'released')
    .map(({ fd }) => fd)

/** Lists every socket that was passed to this process, usable or not, taken or not. */
export const listInherited = (logger: Logger): InheritedSocket[] =>
  listEntries(inheritedEntries(logger))

/** As {@link listInherited}, for entries that were read already. */
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
  // This process serves, so its child processes must not ask for the sockets. Do not claim it earlier: tsx, to which
  // the sockets were passed, only looks at them.
  claim('ask')
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
  const passed = shared.current as Passed
  passed.system ??= socketSystem(logger)
  const found = passed.system.describe(fd)
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

function claimPassed(logger: Logger): Passed {
  claimSuccessor()
  const passed = readPassed(claim('sockets'), logger)
  for (const { fd, state } of passed.entries) {
    if (state.kind !== 'unusable') passed.system?.setCloseOnExec(fd)
  }
  return passed
}
