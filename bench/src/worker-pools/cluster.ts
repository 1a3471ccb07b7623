import { fileURLToPath } from 'node:url'
import { startGeneration } from '@socket-port/testkit'
import { WORKERS, type WorkerPool, workersOf } from './worker-pool.ts'

const PRIMARY = fileURLToPath(new URL('../processes/cluster-primary.js', import.meta.url))

/** Starts `node:cluster`, which gives the connections to its workers by rotation. */
export async function startCluster(): Promise<WorkerPool> {
  const primary = startGeneration({ script: PRIMARY, args: [String(WORKERS)] })
  const { port = 0 } = await primary.ready()
  const { pid } = primary
  return { port, manager: pid, workers: workersOf(pid), end: () => primary.dispose() }
}
