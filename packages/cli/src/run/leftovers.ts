import { setTimeout } from 'node:timers/promises'
import { sessionOf } from './accepting.ts'

// As long as a program may take that has lost the one who started it.
const PATIENCE = 5_000
const LOOK = 20

/**
 * Ends what a process has started and left behind in its session: SIGTERM, then SIGKILL. Resolves
 * when nothing is left. As long as one of them is there, the kernel gives the session's number to
 * nobody else.
 */
export async function endLeftovers(leader: number): Promise<void> {
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
      // It has ended meanwhile, or became another user's: then it is not ours to end.
    }
  }
}
