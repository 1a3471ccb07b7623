import { now } from '../clock.ts'
import type { LoadPlan } from './options.ts'
import { seededRandom } from './random.ts'

/** When one client sends: its think times, and its share of a paced load. */
export class Pace {
  readonly #think: LoadPlan['think']
  /** Milliseconds from one request of this client to the next, when the load is paced. */
  readonly #interval: number
  readonly #random: () => number

  constructor(plan: LoadPlan, index: number) {
    this.#think = plan.think
    this.#interval = plan.paced === undefined ? 0 : (plan.clients * 1000) / plan.paced
    this.#random = seededRandom(plan.seed * 65_537 + index)
  }

  /** Milliseconds before the first request, spread so that the clients do not march in step. */
  first(): number {
    return this.#random() * Math.max(this.#think[1], this.#interval)
  }

  /** Milliseconds before the next request, after the last one, wanted at that time, has ended. */
  next(wantedAt: number): number {
    const [min, max] = this.#think
    const think = max === 0 ? 0 : min + this.#random() * (max - min)
    if (this.#interval === 0) return think
    return Math.max(think, wantedAt + this.#interval - now())
  }
}
