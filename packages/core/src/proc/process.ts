import { readFileSync, readlinkSync } from 'node:fs'

const COMMAND_LENGTH = 80

/** Facts from `/proc/PID/stat` (proc_pid_stat(5)). */
export interface ProcessStat {
  name: string
  /** One letter, such as `R`, `S`, or `Z` for a process that has ended and was not collected. */
  state: string
  parent: number
  session: number
  /** In clock ticks since boot. Identifies one process together with the pid: a reused pid has another start time. */
  startTime: number
}

/** Returns the facts in the text of `/proc/PID/stat`; undefined if it is not such a text. */
export function parseStat(text: string): ProcessStat | undefined {
  // The name may hold spaces and parentheses, so it ends at the last one.
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open === -1 || close < open) return undefined
  const fields = text.slice(close + 2).split(' ')
  const [state = '', parent, , session] = fields
  // The 22nd field; the first of these is the third.
  const startTime = fields[19]
  if (startTime === undefined) return undefined
  return {
    name: text.slice(open + 1, close),
    state,
    parent: Number(parent),
    session: Number(session),
    startTime: Number(startTime),
  }
}

/** Returns the facts of a process; undefined if there is none. */
export function statOf(pid: number): ProcessStat | undefined {
  return parseStat(read(pid, 'stat') ?? '')
}

/** Returns the real user id of a process; undefined if there is none. */
export function uidOf(pid: number): number | undefined {
  const uid = /^Uid:\s+(\d+)/m.exec(read(pid, 'status') ?? '')?.[1]
  return uid === undefined ? undefined : Number(uid)
}

/** Returns the words of the command line of a process; one empty word if it cannot be read. */
export function argvOf(pid: number): string[] {
  return (read(pid, 'cmdline') ?? '').replace(/\0+$/, '').split('\0')
}

/** Returns the command line of a process, or its name in brackets, fit for one line of a message. */
export function commandOf(pid: number, name: string): string {
  const argv = argvOf(pid)
  return argv[0] === '' ? `[${printable(name)}]` : printable(argv.join(' '))
}

/** Returns a text without control characters, cut to the length of a command in a message. */
export function printable(text: string): string {
  // A process can write anything into its command line; no escape sequence may reach a terminal.
  const clean = text.replace(/[\p{C}\s]+/gu, ' ').trim()
  return clean.length > COMMAND_LENGTH ? `${clean.slice(0, COMMAND_LENGTH - 1)}…` : clean
}

/** Returns the environment that a process was started with; empty if it cannot be read. */
export function environOf(pid: number): Map<string, string> {
  return readableEnviron(pid) ?? new Map()
}

/** As {@link environOf}; undefined if it cannot be read, as that of another user. */
export function readableEnviron(pid: number): Map<string, string> | undefined {
  const text = read(pid, 'environ')
  const pairs = text?.split('\0').filter((pair) => pair !== '')
  return pairs && new Map(pairs.map((pair) => splitOnce(pair, '=')))
}

/** Returns the pids from the parent up to the first process, by asking for the parent of each. */
export function ancestry(pid: number, parentOf: (pid: number) => number | undefined): number[] {
  const pids: number[] = []
  let parent = parentOf(pid)
  // Parent 0 is outside this pid namespace. A pid that comes twice shows that the tree changed meanwhile.
  while (parent !== undefined && parent > 0 && !pids.includes(parent)) {
    pids.push(parent)
    parent = parentOf(parent)
  }
  return pids
}

/** Returns the pids from the parent of a process up to the first one, as `/proc` shows them. */
export function ancestorsOf(pid: number): number[] {
  return ancestry(pid, (one) => statOf(one)?.parent)
}

/** Returns whether /proc shows this process under its own pid, so that its pids may be trusted. */
export function procIsOurs(): boolean {
  // After `unshare --pid` without a new /proc, the pids in it belong to the namespace outside.
  try {
    return readlinkSync('/proc/self') === String(process.pid)
  } catch {
    return false
  }
}

/** Returns whether a process is of the pid namespace of this one; false if that cannot be read. */
export function isInOurNamespace(pid: number): boolean {
  const namespaceOf = (who: number | 'self'): string => readlinkSync(`/proc/${who}/ns/pid`)
  try {
    return namespaceOf(pid) === namespaceOf('self')
  } catch {
    return false
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function read(pid: number, file: 'stat' | 'status' | 'cmdline' | 'environ'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}
