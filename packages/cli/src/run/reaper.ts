import { reapOrphans } from '@socket-port/core/supervisor'

// Milliseconds. SIGCHLD is not queued: one signal may stand for several processes, and one may arrive during a collection.
const COLLECT_EVERY = 10_000

/** As PID 1, collects ended processes whose parent has ended too. Returns a function that stops it. */
export function startReaper(ownPids: () => Iterable<number>): () => void {
  if (process.pid !== 1) return () => {}
  const collect = (): void => void reapOrphans(new Set(ownPids()))
  const timer = setInterval(collect, COLLECT_EVERY).unref()
  process.on('SIGCHLD', collect)
  return () => {
    clearInterval(timer)
    process.off('SIGCHLD', collect)
  }
}
