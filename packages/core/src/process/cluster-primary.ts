import cluster, { type Worker } from 'node:cluster'

/**
 * In a cluster worker, keeps this process alive when its primary has gone, and tells so; elsewhere
 * nothing. Returns a function that undoes it.
 *
 * A Ctrl-C reaches the workers and the primary at once. A primary that does not listen to it ends first,
 * and Node would end its workers in the middle of their drain (lib/internal/cluster/child.js).
 */
export function surviveThePrimary(gone: () => void): () => void {
  const { worker } = cluster
  if (worker === undefined) return () => {}
  const onDisconnect = (): void => {
    // Node ends its workers unless this is set; it is set already where the primary disconnects on purpose.
    if (worker.exitedAfterDisconnect) return
    worker.exitedAfterDisconnect = true
    // A stop signal that came at the same moment is heard first: it says how the process is to end.
    setImmediate(gone)
  }
  const onError = (error: NodeJS.ErrnoException): void => rethrowOther(worker, onError, error)
  process.prependListener('disconnect', onDisconnect)
  worker.on('error', onError)
  return () => {
    process.off('disconnect', onDisconnect)
    worker.off('error', onError)
  }
}

// A worker tells its primary of each listener that it closes. Written to one that has just ended, that fails.
const LOST: readonly (string | undefined)[] = ['EPIPE', 'ECONNRESET', 'ERR_IPC_CHANNEL_CLOSED']

function rethrowOther(worker: Worker, own: unknown, error: NodeJS.ErrnoException): void {
  if (LOST.includes(error.code)) return
  // As without a listener.
  if (worker.listeners('error').every((listener) => listener === own)) throw error
}
