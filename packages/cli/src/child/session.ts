import { setTimeout } from 'node:timers/promises'
import { statOf } from '@socket-port/core/supervisor'
import { readNames } from './proc-files.ts'

// Milliseconds. How long the rest of a session may take to end after SIGTERM.
const END_TIMEOUT = 5_000
const LOOK_EVERY = 20
// How long the kernel may take to end a process after SIGKILL. A process may wait for a disk for ever.
const KILL_TIMEOUT = 5_000

/** The running processes of the session that `leader` leads, or led before it ended. */
export function sessionOf(leader: number): number[] {
  return readNames('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isIn(leader, pid))
}

function isIn(session: number, pid: number): boolean {
  const stat = statOf(pid)
  return stat?.session === session && stat.state !== 'Z'
}

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

/** Signals the processes. Returns those that got the signal. */
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
