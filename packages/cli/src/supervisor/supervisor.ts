import { Coalesced } from './coalesce.ts'
import type { Failure } from './failure.ts'
import type { Plan, Slot } from './slot.ts'
import { WorkerPool, type WorkerPoolOptions } from './worker-pool.ts'

export interface SupervisorOptions<Spec> extends WorkerPoolOptions<Spec> {
  replace: 'one-by-one' | 'all-at-once'
  /** Reads what the processes of a new generation are started with. If it rejects, the reload fails. */
  prepare(generation: number): Promise<Spec>
  /** Called once for each start or reload, when it has succeeded or failed. */
  settled?(outcome: Outcome): void
}

/** The outcome of a start or a reload. */
export interface Outcome {
  ok: boolean
  generation: number
  /** How many workers the new generation replaced. */
  replaced: number
  failure?: Failure
}

/** Runs a generation of processes, and replaces it in such a way that one always serves. */
export class Supervisor<Spec> {
  readonly pool: WorkerPool<Spec>
  /** The number of the newest generation, including failed ones. */
  generation = 0
  isReloading = false
  readonly #options: SupervisorOptions<Spec>
  readonly #reloads: Coalesced<Outcome>
  #isSuperseded = false

  constructor(options: SupervisorOptions<Spec>) {
    this.#options = options
    this.pool = new WorkerPool(options)
    this.#reloads = new Coalesced(() => this.#reload())
  }

  /**
   * Starts a new generation, and drains the old one once the new one is ready; where it fails, the
   * old one serves on. All calls that come during a reload share one further reload.
   */
  reload(): Promise<Outcome> {
    return this.#reloads.take()
  }

  /** Aborts a running reload that has not succeeded yet, because something newer has come. */
  supersede(): void {
    if (!this.isReloading) return
    this.#isSuperseded = true
    for (const { next } of this.pool.slots) next?.stop()
  }

  /** Stops every process, and resolves when all have ended. A second call stops them at once. */
  stop(signal: NodeJS.Signals): Promise<void> {
    return this.pool.stop(signal)
  }

  async #reload(): Promise<Outcome> {
    this.isReloading = true
    this.#isSuperseded = false
    this.generation += 1
    const { generation } = this
    const [replaced, failure] = await this.#replaceAll(generation)
    this.isReloading = false
    this.pool.fill()
    const outcome: Outcome = {
      ...{ ok: failure === undefined, generation, replaced },
      ...(failure !== undefined && { failure }),
    }
    if (failure !== undefined) this.#reportFailure(generation, replaced, failure)
    this.#options.settled?.(outcome)
    return outcome
  }

  async #replaceAll(generation: number): Promise<[replaced: number, Failure?]> {
    if (this.pool.isStopping) return [0, stopped]
    let plan: Plan<Spec>
    try {
      plan = { generation, spec: await this.#options.prepare(generation) }
    } catch (error) {
      return [0, { kind: 'cannot-start', message: (error as Error).message, output: '' }]
    }
    const { slots } = this.pool
    const isFirst = slots.every(({ current }) => current === undefined)
    const together = isFirst || this.#options.replace === 'all-at-once'
    let replaced = 0
    for (const group of together ? [slots] : slots.map((slot) => [slot])) {
      const failure = await this.#replaceTogether(group, plan)
      if (failure !== undefined) return [replaced, failure]
      replaced += group.length
    }
    return [replaced]
  }

  async #replaceTogether(
    group: readonly Slot<Spec>[],
    plan: Plan<Spec>,
  ): Promise<Failure | undefined> {
    const { pool } = this
    await pool.table.room(pool.slots.length)
    if (pool.isStopping) return stopped
    const started = group.map((slot) => ({ slot, worker: pool.start(slot, plan) }))
    const failures = await Promise.all(started.map(({ worker }) => worker.milestones.started))
    // A process that was ready early may have ended before the last one was ready.
    const gone = started.find(({ worker }) => worker.state !== 'ready')
    const failure = failures.find((one) => one !== undefined) ?? gone?.worker.lateFailure()
    if (failure === undefined && !pool.isStopping) {
      for (const { slot, worker } of started) {
        slot.backOff.forget()
        pool.promote(slot, worker, plan)
      }
      return undefined
    }
    for (const { slot, worker } of started) {
      slot.clear()
      worker.stop()
    }
    return failure ?? stopped
  }

  #reportFailure(generation: number, replaced: number, { message }: Failure): void {
    const { slots, isStopping } = this.pool
    if (isStopping) return
    if (this.#isSuperseded) {
      this.#options.report(`generation ${generation} is given up for a newer one`)
      return
    }
    const serves = slots.some(({ current }) => current !== undefined)
    const some = `; ${replaced} of ${slots.length} workers are replaced, the others serve on as they were`
    const left = !serves ? '' : replaced === 0 ? '; the old one serves on' : some
    this.#options.report(`generation ${generation} failed: ${message}${left}`)
  }
}

const stopped: Failure = { kind: 'stopped', message: 'everything is being stopped', output: '' }
