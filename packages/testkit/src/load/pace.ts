import { now } from '../clock.ts'
import type { LoadPlan } from './options.ts'
import { seededRandom } from './random.ts'

/** Decides when one client sends: after its think time, or at its share of a paced load. */
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

  /** Milliseconds before the first request, at random, so that the clients do not all send at once. */
  first(): number {
    return this.#random() * Math.max(this.#think[1], this.#interval)
  }

  /** Milliseconds to the next request, when a request that was due at `wantedAt` has just ended. */
  next(wantedAt: number): number {
    const [min, max] = this.#think
    const think = max === 0 ? 0 : min + this.#random() * (max - min)
    if (this.#interval === 0) return think
    return Math.max(think, wantedAt + this.#interval - now())
  }
}
