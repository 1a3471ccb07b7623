import { setTimeout } from 'node:timers/promises'
import { sessionOf } from './accepting.ts'

// The time that a program may take to end after the process that started it has ended.
const PATIENCE = 5_000
const LOOK = 20

/**
 * Ends the processes that are left in the session of a process that has ended: SIGTERM, then SIGKILL. Resolves
 * when none is left. While one of them lives, the kernel does not reuse the id of the session.
 */
export async function endSession(leader: number): Promise<void> {
  const end = performance.now() + PATIENCE
  let left = sessionOf(leader)
  send(left, 'SIGTERM')
  while (left.length > 0) {
    await setTimeout(LOOK)
    left = sessionOf(leader)
    if (performance.now() >= end) send(left, 'SIGKILL')
  }
}

function send(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended meanwhile, or changed its user: then it is not ours to end.
    }
  }
}
