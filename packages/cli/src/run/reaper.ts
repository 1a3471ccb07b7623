import { reapOrphans } from '@socket-port/core/supervisor'

// SIGCHLD is not queued: one may stand for several, and one may come while the processes are collected.
const LOOK_AGAIN = 10_000

/** As PID 1, collects ended processes whose parent is gone. Returns a function that stops it. */
export function startReaper(ownPids: () => Iterable<number>): () => void {
  if (process.pid !== 1) return () => {}
  const look = (): void => void reapOrphans(new Set(ownPids()))
  const timer = setInterval(look, LOOK_AGAIN).unref()
  process.on('SIGCHLD', look)
  return () => {
    clearInterval(timer)
    process.off('SIGCHLD', look)
  }
}
