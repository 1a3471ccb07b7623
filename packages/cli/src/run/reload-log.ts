import type { Status } from '../control/status.ts'
import type { Outcome } from '../supervisor/supervisor.ts'
import type { Worker } from '../supervisor/worker.ts'
import type { WorkerPool } from '../supervisor/worker-pool.ts'
import type { OwnManager } from './own-manager.ts'

/** Counts the reloads and reports the state of the generations to the manager of this process. */
export class ReloadLog<Spec> {
  readonly reloads: Status['reloads'] = { succeeded: 0, failed: 0, last: null }
  readonly #pool: WorkerPool<Spec>
  readonly #manager: OwnManager

  constructor(pool: WorkerPool<Spec>, manager: OwnManager) {
    this.#pool = pool
    this.#manager = manager
  }

  starting(generation: number): void {
    const kind = generation === 1 ? 'starting' : 'reloading'
    this.#manager.busy(kind, `generation ${generation} is starting`)
  }

  settled({ ok, generation, failure }: Outcome): void {
    if (generation > 1) {
      this.reloads[ok ? 'succeeded' : 'failed'] += 1
      this.reloads.last = { at: new Date().toISOString(), ok, reason: failure?.message ?? null }
    }
    if (this.#pool.isStopping) return
    // Send READY=1 after a failed reload too: the manager waits for it, and the old generation serves.
    if (ok || generation > 1) this.#manager.ready(this.summary)
  }

  stopping(): void {
    this.#manager.busy('stopping', 'draining')
  }

  /** Call it when a process may have a new status. The manager gets the status of the first worker alone. */
  statusChanged(worker: Worker): void {
    const [{ current } = {}] = this.#pool.slots
    if (worker === current && !this.#manager.isBusy) this.#manager.status(this.summary)
  }

  /** One line: the generation that serves, and the status of its first worker. */
  get summary(): string {
    const [{ plan, current } = {}] = this.#pool.slots
    const failed = this.reloads.last?.ok === false ? '; the last reload failed' : ''
    const status = current?.reported.status
    const shown = status === undefined ? '' : `: ${status}`
    return `generation ${plan?.generation ?? 0}${failed}${shown}`
  }
}
