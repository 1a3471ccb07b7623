import { endedInOrder } from '../supervisor/failure.ts'
import type { Outcome } from '../supervisor/supervisor.ts'
import type { Worker } from '../supervisor/worker.ts'
import { type Ended, Families, type MetricSource } from './families.ts'
import type { Format } from './negotiate.ts'

/** The metrics of one `socket-port run`, in both formats. Processes that have ended stay counted. */
export class RunMetrics {
  readonly #families: Readonly<Record<Format, Families>>
  readonly #now: () => number

  /** `now` is the clock of the workers, in milliseconds. */
  constructor(source: MetricSource, now: () => number) {
    const families = (format: Format): Families => new Families(format, source)
    this.#families = { openmetrics: families('openmetrics'), text: families('text') }
    this.#now = now
  }

  /** The metrics as they are now, with their media type. */
  write(format: Format): Promise<{ contentType: string; text: string }> {
    return this.#families[format].write()
  }

  /** Follows a process that was started, to its end. */
  started(worker: Worker): void {
    let drainsSince: number | undefined
    const { started, left } = worker.milestones
    void started.then((failure) => {
      const { readyAt, startedAt } = worker
      if (failure !== undefined || readyAt === undefined) return
      this.#each(({ ready }) => ready.observe((readyAt - startedAt) / 1_000))
    })
    void left.then(() => {
      if (worker.state === 'draining') drainsSince = this.#now()
    })
    void worker.gone.then((exit) => {
      const since = drainsSince
      const inOrder = endedInOrder(exit) ? 'drained' : 'failed'
      const outcome: Ended = worker.killed ? 'killed' : since === undefined ? 'crashed' : inOrder
      this.#each(({ ended, drain }) => {
        ended.inc({ outcome })
        if (since !== undefined) drain.observe((this.#now() - since) / 1_000)
      })
    })
  }

  /** Counts a reload. The first start is not one. */
  settled({ ok, generation, failure }: Outcome): void {
    if (generation === 1) return
    this.#each(({ reloads, reloadFailures, lastReload }) => {
      reloads.inc()
      lastReload.set(ok ? 1 : 0)
      if (failure !== undefined) reloadFailures.inc({ reason: failure.kind })
    })
  }

  #each(update: (families: Families) => void): void {
    for (const families of Object.values(this.#families)) update(families)
  }
}
