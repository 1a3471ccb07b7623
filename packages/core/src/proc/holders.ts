import { readdirSync } from 'node:fs'
import { commandOf, procIsOurs, statOf, uidOf } from './process.ts'
import { kernelPath, listeningSockets, type ProcSocket, socketInode } from './sockets.ts'

/** A process that holds listening sockets. */
export interface Holder {
  pid: number
  /** The command line, or the name in brackets, at most 80 characters. */
  command: string
  uid: number
  /** Identifies the process together with the pid. Opaque: only compare it. */
  startTime: string
  /** The sockets that it holds: inodes on Linux, an equivalent elsewhere. */
  sockets: readonly string[]
}

type Place = { port: number } | { path: string }

const MOST_NAMED = 3

/**
 * Returns the processes that hold a listening socket on a TCP port (at any address) or a unix path
 * (`@name` or `\0name` when abstract); those of other users, whose fds cannot be read, are left out.
 */
export function findHolders(place: Place): Holder[] {
  return holdersOf(listeningSockets().filter((socket) => isAt(socket, place)))
}

/** Returns the processes that hold one of the sockets, as far as their fds can be read. */
export function holdersOf(sockets: readonly ProcSocket[]): Holder[] {
  const wanted = new Set(sockets.map((socket) => socket.inode))
  // In another pid namespace these pids would name other processes.
  if (wanted.size === 0 || !procIsOurs()) return []
  const holders: Holder[] = []
  for (const entry of list('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    // Read the start time before the fds: if the pid was reused in between, a later check notices.
    const stat = statOf(pid)
    const held = stat === undefined ? [] : socketsOf(pid, wanted)
    const uid = held.length === 0 ? undefined : uidOf(pid)
    if (stat === undefined || uid === undefined) continue
    const { name, startTime } = stat
    holders.push({
      pid,
      command: commandOf(pid, name),
      uid,
      startTime: String(startTime),
      sockets: held,
    })
  }
  return holders
}

/** Returns `held by pid 1 (command)` for a message, `''` when no holder is known. */
export function describeHolders(holders: readonly Holder[]): string {
  if (holders.length === 0) return ''
  const names = holders.slice(0, MOST_NAMED).map(describeHolder)
  const more = holders.length - names.length
  if (more > 0) names.push(`${more} more`)
  const last = names.pop()
  return `held by ${names.length === 0 ? last : `${names.join(', ')} and ${last}`}`
}

/** Returns `pid 1 (command)`, or says that it is this process. */
export function describeHolder({ pid, command }: Pick<Holder, 'pid' | 'command'>): string {
  return pid === process.pid ? `this process itself (pid ${pid})` : `pid ${pid} (${command})`
}

function isAt(socket: ProcSocket, place: Place): boolean {
  if ('port' in place) return socket.port === place.port
  return socket.path === kernelPath(place.path)
}

function socketsOf(pid: number, wanted: ReadonlySet<number>): string[] {
  const inodes = new Set<string>()
  for (const fd of list(`/proc/${pid}/fd`)) {
    const inode = socketInode(fd, pid)
    if (inode !== undefined && wanted.has(inode)) inodes.add(String(inode))
  }
  return [...inodes]
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return [] // another user's, gone, or no /proc at all
  }
}

/**
 * Whether a process is PID 1 or a systemd. The systemd of a user is neither PID 1 nor, in most terminals, an
 * ancestor.
 */
export function isManager({ pid, command }: Holder): boolean {
  return pid === 1 || /^(\S*\/)?systemd[\w-]*( |$)/.test(command)
}
