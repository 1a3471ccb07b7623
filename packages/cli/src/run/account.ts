import type { Status } from '../control/status.ts'
import type { Crew } from '../supervisor/crew.ts'
import type { Outcome } from '../supervisor/supervisor.ts'
import type { Worker } from '../supervisor/worker.ts'
import type { Upstream } from './upstream.ts'

/** Counts the reloads and reports the state of the generations to the manager of this process. */
export class Account<Spec> {
  readonly reloads: Status['reloads'] = { succeeded: 0, failed: 0, last: null }
  readonly #crew: Crew<Spec>
  readonly #upstream: Upstream

  constructor(crew: Crew<Spec>, upstream: Upstream) {
    this.#crew = crew
    this.#upstream = upstream
  }

  starting(generation: number): void {
    const kind = generation === 1 ? 'starting' : 'reloading'
    this.#upstream.busy(kind, `generation ${generation} is starting`)
  }

  settled({ ok, generation, failure }: Outcome): void {
    if (generation > 1) {
      this.reloads[ok ? 'succeeded' : 'failed'] += 1
      this.reloads.last = { at: new Date().toISOString(), ok, reason: failure?.message ?? null }
    }
    if (this.#crew.isStopping) return
    // Send READY=1 after a failed reload too: the manager waits for it, and the old generation serves.
    if (ok || generation > 1) this.#upstream.ready(this.summary)
  }

  stopping(): void {
    this.#upstream.busy('stopping', 'draining')
  }

  /** A process sent a notification. The status of the first worker stands for all. */
  heard(worker: Worker): void {
    const [{ current } = {}] = this.#crew.slots
    if (worker === current && !this.#upstream.isBusy) this.#upstream.status(this.summary)
  }

  /** One line: the generation that serves, and the status of its first worker. */
  get summary(): string {
    const [{ plan, current } = {}] = this.#crew.slots
    const failed = this.reloads.last?.ok === false ? '; the last reload failed' : ''
    const status = current?.said.status
    const said = status === undefined ? '' : `: ${status}`
    return `generation ${plan?.generation ?? 0}${failed}${said}`
  }
}
