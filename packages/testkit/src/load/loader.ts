import { now } from '../clock.ts'
import { Client } from './client.ts'
import { DelayLine } from './delay-line.ts'
import { IdleClient } from './idle-client.ts'
import { Ledger } from './ledger.ts'
import type { LoadPlan } from './options.ts'
import type { LoadCounts, LoadResult } from './result.ts'

/** How many idle connections are opened at once: so many fit into any accept queue. */
const IDLE_BATCH = 100

/** What runs in the process of a load: its clients, and the ledger of their requests. */
export class Loader {
  readonly #plan: LoadPlan
  readonly #ledger: Ledger
  readonly #clients: Client[] = []
  readonly #idle: IdleClient[] = []
  #running = 0
  #stopped: () => void = () => {}
  /** When `stop` counts the requests in flight as failed. */
  #stopBy = Number.POSITIVE_INFINITY

  constructor(plan: LoadPlan) {
    this.#plan = plan
    this.#ledger = new Ledger(plan.seed, plan.trace)
    const line = new DelayLine(plan.rtt / 2)
    for (let index = 0; index < plan.clients; index += 1) {
      this.#clients.push(new Client(plan, this.#ledger, line, index, () => this.#finished()))
    }
    for (let index = 0; index < plan.idle.clients; index += 1) {
      this.#idle.push(new IdleClient(plan, this.#ledger, line, index))
    }
  }

  /** Resolves when the idle connections are open and the clients have started. */
  async start(): Promise<void> {
    // One timer for all clients: a timer for each request would slow the load down.
    setInterval(() => this.#sweep(), Math.min(100, this.#plan.timeout / 10))
    await this.openIdle()
    this.#running = this.#clients.length
    for (const client of this.#clients) client.start()
  }

  /** Opens again the idle connections that were closed. */
  async openIdle(): Promise<void> {
    for (let first = 0; first < this.#idle.length; first += IDLE_BATCH) {
      await Promise.all(this.#idle.slice(first, first + IDLE_BATCH).map((idle) => idle.open()))
    }
  }

  moreRequests(requests: number): Promise<void> {
    return this.#ledger.more(requests)
  }

  /** Resolves when every client has ended at least one more request. */
  async oneRequestEach(): Promise<void> {
    const before = this.#clients.map((client) => client.count)
    while (this.#clients.some((client, index) => client.count === before[index])) {
      await this.#ledger.more(1)
    }
  }

  countsSinceLast(): LoadCounts {
    return this.#ledger.countsSinceLast()
  }

  snapshot(): LoadResult {
    return this.#ledger.result()
  }

  /** Lets the requests in flight finish, closes every connection, and returns the result. */
  async stop(): Promise<LoadResult> {
    const done = new Promise<void>((resolve) => {
      this.#stopped = resolve
    })
    this.#stopBy = now() + this.#plan.stopTimeout
    if (this.#running === 0) this.#stopped()
    for (const client of this.#clients) client.stop()
    await done
    const result = this.#ledger.result()
    for (const idle of this.#idle) idle.close()
    return result
  }

  #sweep(): void {
    const time = now()
    const limit = time < this.#stopBy ? this.#plan.timeout : 0
    for (const client of this.#clients) client.expire(time, limit)
    for (const idle of this.#idle) idle.expire(time, limit)
  }

  #finished(): void {
    this.#running -= 1
    if (this.#running === 0) this.#stopped()
  }
}
