import { version } from '../base/version.ts'
import type { Outcome, Supervisor } from '../supervisor/supervisor.ts'
import type { Worker } from '../supervisor/worker.ts'
import { RunMetrics } from './run-metrics.ts'
import { type MetricsAddress, openMetricsServer } from './server.ts'

export interface Metrics {
  /** `[::]:9100`, `unix:/run/metrics.sock` */
  address: string
  started(worker: Worker): void
  settled(outcome: Outcome): void
  close(): Promise<void>
}

/**
 * Counts what the supervisor does, and serves the counts at the address.
 *
 * @throws {CommandError} with exit code 4 when the address cannot be used
 */
export async function openMetrics(
  where: MetricsAddress,
  supervisor: Pick<Supervisor<unknown>, 'generation' | 'pool'>,
  now: () => number,
): Promise<Metrics> {
  const metrics = new RunMetrics({ supervisor, version: version() }, now)
  const server = await openMetricsServer(where, (format) => metrics.write(format))
  return {
    address: server.address,
    started: (worker) => metrics.started(worker),
    settled: (outcome) => metrics.settled(outcome),
    close: () => server.close(),
  }
}
