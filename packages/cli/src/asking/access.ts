import { type ProcessStat, statOf } from '@socket-port/core/supervisor'

// Deeper than any chain of package managers, shells and watchers.
const DEEPEST = 64

/**
 * The process that was started by `socket-port run`, and from which `pid` descends; `undefined` if there is none.
 *
 * Each started process leads a session. A process below it stays in the session even when its parent has ended, unless it
 * leaves on purpose, and no process can join the session of another. If a process has left its session, its parents are
 * checked instead.
 */
export function startedAncestor(
  pid: number,
  isStarted: (pid: number) => boolean,
  look: (pid: number) => ProcessStat | undefined = statOf,
): number | undefined {
  let current = pid
  let stat = look(pid)
  for (let depth = 0; stat !== undefined && depth < DEEPEST; depth += 1) {
    if (isStarted(stat.session)) return stat.session
    if (isStarted(current)) return current
    current = stat.parent
    const parent = look(current)
    // A parent that is younger than its child has the reused pid of the real parent, which has ended.
    if (parent === undefined || parent.startTime > stat.startTime) return undefined
    stat = parent
  }
  return undefined
}
