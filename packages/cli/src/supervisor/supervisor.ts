import { Coalesced } from './coalesce.ts'
import type { Failure } from './failure.ts'
import type { Plan, Slot } from './slot.ts'
import { WorkerPool, type WorkerPoolOptions } from './worker-pool.ts'

export interface SupervisorOptions<Spec> extends WorkerPoolOptions<Spec> {
  replace: 'one-by-one' | 'all-at-once'
  /** Prepares the start of a new generation. If it rejects, the reload fails. */
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

/** Runs a generation of processes, and replaces it so that one generation always serves. */
export class Supervisor<Spec> {
  readonly pool: WorkerPool<Spec>
  /** The number of the newest generation, including failed ones. */
  generation = 0
  readonly #options: SupervisorOptions<Spec>
  readonly #reloads: Coalesced<Outcome>
  #state: 'idle' | 'reloading' | 'superseded' = 'idle'

  constructor(options: SupervisorOptions<Spec>) {
    this.#options = options
    this.pool = new WorkerPool(options)
    this.#reloads = new Coalesced(() => this.#reload())
  }

  get #isSuperseded(): boolean {
    return this.#state === 'superseded'
  }

  /** A start or a reload is running. */
  get isReloading(): boolean {
    return this.#state !== 'idle'
  }

  /**
   * Starts a new generation, and drains the old one once the new one is ready. If the new one fails, the old one
   * continues to serve. All calls that come during a reload share one further reload.
   */
  reload(): Promise<Outcome> {
    return this.#reloads.request()
  }

  /** Aborts a reload that has not succeeded yet. Call it when a newer change makes the reload useless. */
  supersede(): void {
    if (!this.isReloading) return
    this.#state = 'superseded'
    for (const { next } of this.pool.slots) next?.stop()
  }

  async #reload(): Promise<Outcome> {
    this.#state = 'reloading'
    this.generation += 1
    const { generation } = this
    const [replaced, failure] = await this.#replaceAll(generation)
    const wasSuperseded = this.#isSuperseded
    this.#state = 'idle'
    this.pool.fill()
    const outcome: Outcome = {
      ok: failure === undefined,
      generation,
      replaced,
      ...(failure !== undefined && { failure }),
    }
    if (failure !== undefined && !this.pool.isStopping) {
      const { report } = this.#options
      if (wasSuperseded) report(`generation ${generation} is stopped: a newer change came`)
      else report(this.#failureReport(generation, replaced, failure), 'error')
    }
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
    await pool.table.untilFewDrain(pool.slots.length)
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

  #failureReport(generation: number, replaced: number, { message }: Failure): string {
    const { slots } = this.pool
    const serves = slots.some(({ current }) => current !== undefined)
    const some = `; ${replaced} of ${slots.length} workers are replaced, the others continue to serve`
    const left = !serves ? '' : replaced === 0 ? '; the old one continues to serve' : some
    return `generation ${generation} failed: ${message}${left}`
  }
}

const stopped: Failure = { kind: 'stopped', message: 'everything is being stopped', output: '' }
