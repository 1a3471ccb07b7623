import { setTimeout } from 'node:timers/promises'
import { sessionOf } from './accepting.ts'

// How long the rest of a session may take to end after SIGTERM.
const END_TIMEOUT = 5_000
const LOOK_EVERY = 20
// How long the kernel may take to end one after SIGKILL. It may wait for a disk for ever.
const KILL_TIMEOUT = 5_000

/**
 * Ends the remaining processes in the session of a process that has ended: SIGTERM, then SIGKILL. Resolves when
 * none is left that can be ended. While one of them runs, the kernel does not reuse the id of the session.
 */
export async function endSession(leader: number): Promise<void> {
  const end = performance.now() + END_TIMEOUT
  let left = send(sessionOf(leader), 'SIGTERM')
  while (left.length > 0 && performance.now() < end + KILL_TIMEOUT) {
    await setTimeout(LOOK_EVERY)
    left = send(sessionOf(leader), performance.now() < end ? 0 : 'SIGKILL')
  }
}

/** Returns those that got the signal. */
function send(pids: readonly number[], signal: NodeJS.Signals | 0): number[] {
  return pids.filter((pid) => {
    try {
      return process.kill(pid, signal)
    } catch {
      // The process has ended meanwhile, or has changed its user and may not be signalled.
      return false
    }
  })
}
