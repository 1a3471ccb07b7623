import { setTimeout } from 'node:timers/promises'
import { sessionOf } from './accepting.ts'

// How long the rest of a session may take to end after SIGTERM.
const END_TIMEOUT = 5_000
const LOOK_EVERY = 20

/**
 * Ends the remaining processes in the session of a process that has ended: SIGTERM, then SIGKILL. Resolves when
 * none is left. While one of them runs, the kernel does not reuse the id of the session.
 */
export async function endSession(leader: number): Promise<void> {
  const end = performance.now() + END_TIMEOUT
  let left = sessionOf(leader)
  send(left, 'SIGTERM')
  while (left.length > 0) {
    await setTimeout(LOOK_EVERY)
    left = sessionOf(leader)
    if (performance.now() >= end) send(left, 'SIGKILL')
  }
}

function send(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // The process has ended meanwhile, or has changed its user and may not be signalled.
    }
  }
}
