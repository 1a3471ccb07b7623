import type { Worker } from 'node:cluster'
import { clusterWorker } from '../base/built-in.ts'

/**
 * Keeps a cluster worker alive after its primary has ended, and then calls `gone`. Does nothing in other
 * processes. Returns a function that undoes it.
 *
 * A Ctrl-C reaches the workers and the primary at the same time. A primary without a listener for it ends
 * first, and Node would then end its workers in the middle of their drain (lib/internal/cluster/child.js).
 */
export function surviveThePrimary(gone: () => void): () => void {
  const worker = clusterWorker()
  return worker === undefined ? () => {} : survivePrimaryOf(worker, gone)
}

function survivePrimaryOf(worker: Worker, gone: () => void): () => void {
  const onDisconnect = (): void => {
    // Node ends the worker unless this is set. When the primary disconnects on purpose, it is set already.
    if (worker.exitedAfterDisconnect) return
    worker.exitedAfterDisconnect = true
    // Let a stop signal that came at the same moment be handled first: it decides how the process ends.
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

// A worker sends its primary a message for each listener that it closes. When the primary has just ended, the
// write fails with one of these.
const LOST: readonly (string | undefined)[] = ['EPIPE', 'ECONNRESET', 'ERR_IPC_CHANNEL_CLOSED']

function rethrowOther(worker: Worker, own: unknown, error: NodeJS.ErrnoException): void {
  if (LOST.includes(error.code)) return
  // Without another listener Node would throw it.
  if (worker.listeners('error').every((listener) => listener === own)) throw error
}
