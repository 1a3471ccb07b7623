import { readdirSync, readFileSync } from 'node:fs'
import { loadLibc } from '../sockets/libc.ts'

/**
 * Collects ended processes that became children of this one because their parent is gone, as PID 1 must.
 * Returns their pids. `own` are the children that Node waits for itself.
 *
 * Reused pids are no danger: an ended process keeps its pid until it is collected, and only this thread
 * collects.
 */
export function reapOrphans(own: ReadonlySet<number>): number[] {
  const libc = loadLibc()
  return endedChildren(process.pid).filter((pid) => !own.has(pid) && libc.reap(pid))
}

function endedChildren(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => {
    const stat = readStat(pid)
    return stat?.parent === parent && stat.state === 'Z'
  })
}

export interface ProcessStat {
  state: string
  parent: number
  session: number
  /** In clock ticks since boot. Identifies one process together with the pid: a reused pid has another one. */
  startTime: number
}

/** Facts from /proc/PID/stat (proc_pid_stat(5)); `undefined` for a process that has ended. */
export function readStat(pid: number): ProcessStat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // The name of the program stands in parentheses, and may itself have spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state = '', parent, , session] = fields
  // The 22nd field; the first of these is the third.
  const startTime = Number(fields[19])
  return { state, parent: Number(parent), session: Number(session), startTime }
}
