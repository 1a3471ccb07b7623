import { now } from '../clock.ts'
import { seededRandom } from './random.ts'
import type { Failure, LoadCounts, LoadResult, Outcome, TracedRequest } from './result.ts'
import { Tally } from './tally.ts'

const SAMPLE = 16_384
const FAILURES_KEPT = 20

/** How one request ended. */
export interface EndedRequest extends Omit<Failure, 'outcome' | 'at' | 'after'> {
  readonly outcome: Outcome
  readonly wantedAt: number
}

/** Counts every request of a load, and keeps details of the first failures. */
export class Ledger {
  readonly #startedAt: number = now()
  readonly #total = new Tally()
  #sinceLast = new Tally()
  readonly #failures: Failure[] = []
  readonly #trace: TracedRequest[] = []
  readonly #traces: boolean
  readonly #sample = new Float64Array(SAMPLE)
  readonly #random: () => number
  readonly idle = { open: 0, fin: 0, reset: 0, data: 0, firstClosedAt: 0, lastClosedAt: 0 }
  /** Each is called when so many requests have ended; `#watchAt` is the lowest of these numbers. */
  #watchers: { readonly at: number; readonly reached: () => void }[] = []
  #watchAt = Number.POSITIVE_INFINITY

  constructor(seed: number, traces: boolean) {
    this.#traces = traces
    this.#random = seededRandom(seed)
  }

  ended(request: EndedRequest): void {
    const at = now()
    const after = at - request.wantedAt
    this.#total.add(request.outcome, request.id, request.wantedAt, after)
    this.#sinceLast.add(request.outcome, request.id, request.wantedAt, after)
    if (this.#traces) {
      this.#trace.push({ at: request.wantedAt, ms: after, failed: request.outcome !== 'ok' })
    }
    if (request.outcome === 'ok') this.#remember(after)
    else if (this.#failures.length < FAILURES_KEPT) {
      const { wantedAt: _, outcome, ...rest } = request
      this.#failures.push({ outcome, ...rest, at, after })
    }
    if (this.#total.requests >= this.#watchAt) this.#wake()
  }

  connected(): void {
    this.#total.connections += 1
    this.#sinceLast.connections += 1
  }

  closedByServer(): void {
    this.#total.closedByServer += 1
    this.#sinceLast.closedByServer += 1
  }

  idleClosed(how: 'fin' | 'reset' | 'data'): void {
    this.idle.open -= 1
    this.idle[how] += 1
    this.idle.lastClosedAt = now()
    this.idle.firstClosedAt ||= this.idle.lastClosedAt
  }

  /** Resolves when `requests` more have ended. */
  more(requests: number): Promise<void> {
    return new Promise((reached) => {
      this.#watchers.push({ at: this.#total.requests + requests, reached })
      this.#watchAt = Math.min(...this.#watchers.map((watcher) => watcher.at))
    })
  }

  /** Counts the requests that have ended since the last call, or since the start. */
  countsSinceLast(): LoadCounts {
    const counts = this.#sinceLast.toJSON()
    this.#sinceLast = new Tally()
    return counts
  }

  result(): LoadResult {
    const { open, fin, reset, data, firstClosedAt, lastClosedAt } = this.idle
    return {
      ...this.#total.toJSON(),
      seconds: (now() - this.#startedAt) / 1000,
      latency: this.#percentiles(),
      idle: {
        open,
        closed: { fin, reset, data },
        firstClosedAt: firstClosedAt || null,
        lastClosedAt: lastClosedAt || null,
      },
      failures: this.#failures,
      trace: this.#trace,
    }
  }

  /** Keeps a random sample in which each request is as likely as any other (algorithm R). */
  #remember(ms: number): void {
    const seen = this.#total.outcomes.ok
    const place = seen <= SAMPLE ? seen - 1 : Math.floor(this.#random() * seen)
    if (place < SAMPLE) this.#sample[place] = ms
  }

  #percentiles(): LoadResult['latency'] {
    const sorted = this.#sample.slice(0, this.#total.outcomes.ok).sort()
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) }
  }

  #wake(): void {
    const due = this.#watchers.filter((watcher) => watcher.at <= this.#total.requests)
    this.#watchers = this.#watchers.filter((watcher) => !due.includes(watcher))
    this.#watchAt = Math.min(...this.#watchers.map((watcher) => watcher.at))
    for (const watcher of due) watcher.reached()
  }
}
