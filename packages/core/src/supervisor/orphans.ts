import { readdirSync } from 'node:fs'
import { statOf } from '../proc/process.ts'
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
    const stat = statOf(pid)
    return stat?.parent === parent && stat.state === 'Z'
  })
}
