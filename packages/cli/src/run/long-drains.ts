import type { Worker } from '../supervisor/worker.ts'

// A drain that takes less is nothing to tell of, and a longer one is told of once in this time.
const INTERVAL = 5_000

// What core reports of a drain that waits for more than idle connections, which end by themselves.
const WAITS = /^draining: (?!0 |\d+ idle connections?;)(.+; \d+ s left)$/

/** Reports what a process waits for whose drain takes long. */
export class LongDrains {
  readonly #report: (message: string) => void
  readonly #now: () => number
  readonly #reported = new WeakMap<object, number>()

  constructor(report: (message: string) => void, now: () => number = () => performance.now()) {
    this.#report = report
    this.#now = now
  }

  /** A process may have a new status. */
  statusChanged(worker: Pick<Worker, 'state' | 'reported' | 'pid' | 'place'>): void {
    const [, waitsFor] = WAITS.exec(worker.reported.status ?? '') ?? []
    if (worker.state !== 'draining' || waitsFor === undefined) return
    const now = this.#now()
    const since = this.#reported.get(worker)
    if (since === undefined) this.#reported.set(worker, now)
    if (since === undefined || now - since < INTERVAL) return
    this.#reported.set(worker, now)
    const { generation } = worker.place
    this.#report(`process ${worker.pid} of generation ${generation} still drains: ${waitsFor}`)
  }
}
