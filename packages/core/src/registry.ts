import cluster from 'node:cluster'
import { readdirSync } from 'node:fs'
import { clearEnvironment, type PassedFd, readEnvironment } from './environment.ts'
import { SocketPortError } from './errors.ts'
import { type Candidate, describeCandidate } from './match.ts'
import { quote } from './quote.ts'
import { problemOf, type SocketFacts, type SocketSystem } from './sockets/facts.ts'
import { socketSystem } from './sockets/system.ts'
import type { InheritedSocket, Logger } from './types.ts'

/** An inherited socket: kept open, whatever becomes of the listeners that take duplicates of it. */
export interface Entry extends Candidate {
  takers: number
  problem: string | undefined
}

interface Registry {
  entries: Entry[]
  /** Kept for close and listen again: only what was inherited has it. */
  system: SocketSystem | undefined
}

// One for every copy of this package in the process: two must not take the same socket.
const key = Symbol.for('@socket-port/core/registry/1')
const globals = globalThis as { [key]?: Registry }

/** The sockets passed to this process; the first call reads the environment and clears it. */
export function inheritedEntries(logger: Logger): Entry[] {
  globals[key] ??= readRegistry(logger)
  return globals[key].entries
}

/** Lists every socket that was passed to this process, usable or not, taken or not. */
export function inherited(logger: Logger): InheritedSocket[] {
  const entries = inheritedEntries(logger)
  return entries.map((entry) => {
    // Queue lengths change all the time; the rest cannot.
    const now = globals[key]?.system?.describe(entry.fd)
    const { takers: _, stream: __, ...facts } = entry
    const queueLength = typeof now === 'object' ? now.queueLength : undefined
    return { ...facts, queueLength, taken: entry.takers > 0 }
  })
}

/** A taken socket: `fd` belongs to the taker, who calls `release` once it is closed. */
export interface Taken {
  fd: number
  release: () => void
}

/**
 * Takes a duplicate of the socket, close-on-exec; closing it leaves the manager's socket alone.
 * Where none can be made, the first taker gets the inherited descriptor itself.
 */
export function take(entry: Entry): Taken {
  const duplicate = globals[key]?.system?.duplicate(entry.fd)
  if (duplicate === undefined && entry.takers > 0) throw cannotShare(entry)
  entry.takers += 1
  entry.taken = true
  let held = true
  const release = (): void => {
    if (!held) return
    held = false
    entry.takers -= 1
    entry.taken = entry.takers > 0
    // Without a duplicate the taker closed the inherited descriptor itself: it is gone for good.
    if (duplicate === undefined) forget(entry)
  }
  return { fd: duplicate ?? entry.fd, release }
}

// Node refuses a second server on one descriptor (EEXIST).
function cannotShare(entry: Entry): SocketPortError {
  return new SocketPortError(
    'ERR_SOCKET_PORT_UNSUPPORTED',
    `${describeCandidate(entry)} is taken, and cannot be shared: without native code there is no ` +
      'duplicate of it. Allow native code, or serve it with one server',
    { fd: entry.fd, port: entry.port, path: entry.path },
  )
}

function forget(entry: Entry): void {
  const entries = globals[key]?.entries ?? []
  const index = entries.indexOf(entry)
  if (index >= 0) entries.splice(index, 1)
}

function readRegistry(logger: Logger): Registry {
  const { env } = process
  let system: SocketSystem | undefined
  const loaded = (): SocketSystem => {
    system ??= socketSystem(logger)
    return system
  }
  try {
    const environment = readEnvironment(env, {
      pid: process.pid,
      pidfdInode: () => loaded().pidfdInode(),
    })
    if (environment.kind === 'refused') {
      logger.warn(`no socket is inherited: ${environment.problem}`)
    }
    if (environment.kind !== 'passed') return { entries: [], system: undefined }
    if (cluster.isWorker) {
      // In a worker fd 3 is the channel to the primary, and `listen({ fd })` means the primary's.
      logger.warn(
        'no socket is inherited: a cluster worker has none of its own. ' +
          'Start the processes with a manager that shares the socket instead of node:cluster',
      )
      return { entries: [], system: undefined }
    }
    return { entries: describeAll(environment.fds, loaded(), logger), system: loaded() }
  } finally {
    clearEnvironment(env)
  }
}

function describeAll(passed: PassedFd[], system: SocketSystem, logger: Logger): Entry[] {
  const open = openDescriptors()
  const entries: Entry[] = []
  const problems: string[] = []
  let missing = 0
  for (const { fd, name } of passed) {
    const found = open?.has(fd) === false ? 'is not open' : system.describe(fd)
    if (found === 'is not open') {
      missing += 1
      continue
    }
    const facts = typeof found === 'string' ? noFacts : found
    const problem = typeof found === 'string' ? found : problemOf(found)
    entries.push({ ...facts, fd, name, problem, taken: false, takers: 0 })
    if (problem === undefined) system.setCloseOnExec(fd)
    else problems.push(`fd ${fd} ${quote(name)} ${problem}`)
  }
  if (missing > 0) {
    problems.unshift(
      `${missing} of ${passed.length} passed descriptors are not open; a program in between ` +
        '(npm start, a shell without exec) may have closed them',
    )
  }
  if (problems.length > 0) {
    logger.warn(
      `the manager passed what cannot be served, and it is left alone: ${shorten(problems)}. ` +
        'Pass listening stream sockets from fd 3 on (sd_listen_fds(3))',
    )
  }
  for (const entry of entries) logger.debug(`inherited ${describeCandidate(entry)}`)
  return entries
}

const noFacts: SocketFacts = {
  family: undefined,
  stream: false,
  listening: false,
  address: undefined,
  port: undefined,
  path: undefined,
  ipv6Only: undefined,
  backlog: undefined,
  queueLength: undefined,
}

const shorten = (problems: string[]): string =>
  problems.length <= 8
    ? problems.join('; ')
    : `${problems.slice(0, 8).join('; ')}; and ${problems.length - 8} more`

// LISTEN_FDS may name a million descriptors: asking for each that is not open would take seconds.
function openDescriptors(): Set<number> | undefined {
  try {
    return new Set(readdirSync('/proc/self/fd').map(Number))
  } catch {
    return undefined
  }
}
