import { type ConnectionCounts, noConnections } from '@socket-port/core/supervisor'
import type { Exit } from './child.ts'
import { endedInOrder } from './failure.ts'
import { sumOf } from './reported.ts'
import type { Worker } from './worker.ts'

// For each worker. When reloads come faster than drains end, processes must not fill the memory.
const MOST_DRAINING = 10

const stoppedInOrder = ({ goesOn, reported }: Worker, exit: Exit): boolean =>
  !goesOn && reported.connections.cut.all === 0 && endedInOrder(exit)

/** Every process of every generation that has not ended. */
export class ProcessTable {
  readonly #alive = new Set<Worker>()
  /** How many times everything was told to stop. */
  #stops = 0
  /** How many processes were ended by SIGKILL. */
  killed = 0
  /** Processes that had to cut connections, ended with an error, or go on, while everything stopped. */
  failed = 0
  /** The counts of the processes that have ended. */
  #ended = noConnections()

  get workers(): readonly Worker[] {
    return [...this.#alive]
  }

  add(worker: Worker): void {
    this.#alive.add(worker)
    void worker.gone.then((exit) => {
      this.#alive.delete(worker)
      if (worker.killed) this.killed += 1
      else if (this.#stops > 0 && !stoppedInOrder(worker, exit)) this.failed += 1
      this.#ended = sumOf([this.#ended, worker.reported.connections])
    })
  }

  /** What happened to connections, as all processes have counted them, ended ones included. */
  get connections(): ConnectionCounts {
    return sumOf([this.#ended, ...this.workers.map(({ reported }) => reported.connections)])
  }

  /** The worker whose process has this pid: the started process, or one below it that serves in its place. */
  byPid(pid: number): Worker | undefined {
    return this.workers.find((worker) => worker.isOwn(pid))
  }

  /** The worker whose started process has this pid. */
  byStartedPid(pid: number): Worker | undefined {
    return this.workers.find((worker) => worker.startedPid === pid)
  }

  /** Resolves when so few processes drain that one more generation may start. */
  async untilFewDrain(workers: number): Promise<void> {
    for (;;) {
      const draining = this.workers.filter(({ state }) => state === 'draining')
      if (draining.length < MOST_DRAINING * workers) return
      await Promise.race(draining.map(({ gone }) => gone))
    }
  }

  /** Stops all processes: in order, on a second call at once, on a third by SIGKILL. Resolves when all have ended. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#stops += 1
    for (const worker of this.workers) {
      if (this.#stops === 1) worker.stop(signal)
      else if (this.#stops === 2) worker.hurry(signal)
      else worker.kill()
    }
    while (this.#alive.size > 0) await Promise.all(this.workers.map(({ gone }) => gone))
  }
}
