import type { Level } from '../base/level.ts'
import { type BackOffRules, backOffRules } from './back-off.ts'
import type { Place } from './child.ts'
import type { Clock } from './clock.ts'
import { describeExit } from './failure.ts'
import { ProcessTable } from './process-table.ts'
import { type Plan, Slot } from './slot.ts'
import type { Worker } from './worker.ts'

export interface WorkerPoolOptions<Spec> {
  workers: number
  /** How often a process that crashes is started again. After `'once'` it waits for a reload. */
  retry: 'for-ever' | 'once'
  clock: Clock
  backOff?: BackOffRules
  launch(spec: Spec, place: Place): Worker
  report(message: string, level?: Level): void
}

/** A pool of workers: it starts a new process in the place of one that crashed. */
export class WorkerPool<Spec> {
  readonly slots: readonly Slot<Spec>[]
  readonly table: ProcessTable = new ProcessTable()
  /** How many processes were started because the previous one had crashed. */
  restarts = 0
  isStopping = false
  readonly #options: WorkerPoolOptions<Spec>

  constructor(options: WorkerPoolOptions<Spec>) {
    this.#options = options
    const rules = options.backOff ?? backOffRules
    this.slots = Array.from({ length: options.workers }, (_, index) => new Slot(index + 1, rules))
  }

  /** The process that replaced a draining one, or another serving process. */
  replacementOf(worker: Worker): Worker | undefined {
    const serving = this.slots.flatMap(({ current }) => current ?? [])
    const others = serving.filter((other) => other !== worker && other.state === 'ready')
    return others.find(({ place }) => place.worker === worker.place.worker) ?? others[0]
  }

  /** Starts a process for the slot, and stops a process that was still starting there. */
  start(slot: Slot<Spec>, plan: Plan<Spec>): Worker {
    slot.clear()
    const place = { generation: plan.generation, worker: slot.number }
    const worker = this.#options.launch(plan.spec, place)
    this.table.add(worker)
    slot.next = worker
    return worker
  }

  /** Makes a ready process the current one of its slot, and drains the process before it. */
  promote(slot: Slot<Spec>, worker: Worker, plan: Plan<Spec>): void {
    const old = slot.promote(worker, plan)
    const after = `${Math.round((worker.readyAt ?? 0) - worker.startedAt)} ms`
    const drains = old === undefined ? '' : `; process ${old.pid} drains`
    this.#options.report(`${this.#name(worker.place)} is ready after ${after}${drains}`)
    // Otherwise it would go on accepting while it drains, as at a stop, where no next process takes new connections.
    old?.tellNext()
    old?.stop()
    void worker.milestones.left.then(() => this.#left(slot, worker))
  }

  /** Starts a process, after a wait, in each slot that has lost its process during a failed reload. */
  fill(): void {
    for (const slot of this.slots) if (slot.isEmpty) this.#retry(slot, 0)
  }

  /** Stops every process, and resolves when all have ended. A second call stops them at once. */
  stop(signal: NodeJS.Signals): Promise<void> {
    this.isStopping = true
    for (const slot of this.slots) slot.clear()
    return this.table.stop(signal)
  }

  async #left(slot: Slot<Spec>, worker: Worker): Promise<void> {
    if (slot.current !== worker || this.isStopping) return
    slot.current = undefined
    // When a next process is already starting, its outcome decides about the slot.
    if (slot.isEmpty) this.#retry(slot, worker.readyFor)
    const how =
      worker.state === 'gone'
        ? describeExit(await worker.gone)
        : (worker.leaveReason ?? 'it drains')
    this.#options.report(`${this.#name(worker.place)} stopped unexpectedly: ${how}`, 'error')
  }

  #retry(slot: Slot<Spec>, readyFor: number): void {
    const { plan } = slot
    if (this.isStopping || plan === undefined) return
    const { retry, clock, report } = this.#options
    const wait = slot.backOff.next(readyFor)
    const { failures } = slot.backOff
    if (retry === 'once' && failures > 1) {
      report(`worker ${slot.number} has failed ${failures} times; waiting for a change`, 'error')
      return
    }
    if (failures > 1) {
      const times = `has failed ${failures} times in a row`
      report(`worker ${slot.number} ${times}; it is started again in ${wait} ms`, 'error')
    }
    slot.retryWith(clock.after(wait, () => void this.#restart(slot, plan)))
  }

  async #restart(slot: Slot<Spec>, plan: Plan<Spec>): Promise<void> {
    slot.retryIsDue()
    this.restarts += 1
    const worker = this.start(slot, plan)
    const failure = await worker.milestones.started
    // Meanwhile a reload or the stop has taken the slot.
    if (slot.next !== worker) return
    slot.next = undefined
    if (failure === undefined) {
      this.promote(slot, worker, plan)
      return
    }
    this.#options.report(`${this.#name(worker.place)} failed: ${failure.message}`, 'error')
    this.#retry(slot, 0)
  }

  #name({ generation, worker }: Place): string {
    const { length } = this.slots
    return length === 1 ? `generation ${generation}` : `generation ${generation}, worker ${worker}`
  }
}
