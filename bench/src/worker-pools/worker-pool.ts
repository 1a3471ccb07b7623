import { fileURLToPath } from 'node:url'
import { childrenOf } from '../process-facts.ts'

/** Several workers of one server, and the process that keeps them. */
export interface WorkerPool {
  readonly port: number
  /** The process that keeps them: supervisor, cluster primary, daemon. */
  readonly manager: number
  readonly workers: readonly number[]
  /** Replaces every worker and resolves when that is done; absent where there is no such command. */
  reload?(): Promise<void>
  end(): Promise<void>
}

export const WORKERS = 2

/** The server that all of them run. */
export const WORKER: string = fileURLToPath(new URL('../processes/worker.js', import.meta.url))

export function workersOf(manager: number): readonly number[] {
  const workers = childrenOf(manager)
  if (workers.length === WORKERS) return workers
  throw new Error(`process ${manager} keeps ${workers.length} workers, not ${WORKERS}`)
}
