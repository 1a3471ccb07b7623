import type { Worker } from '../supervisor/worker.ts'

// Milliseconds. A shorter drain is not reported, and a longer one once in this time.
const INTERVAL = 5_000

// The status that core reports in a drain that waits for more than idle connections: those end by themselves.
const WAITS = /^draining: (?!0 |\d+ idle connections?;)(.+; \d+ s left)$/

type Draining = Pick<Worker, 'state' | 'reported' | 'pid' | 'place'>

/** Reports what draining processes wait for. */
export interface DrainProgress {
  /** A process may have a new status. */
  statusChanged(worker: Draining): void
  /** It has ended. */
  ended(worker: Draining): void
}

/** What a draining process waits for; `undefined` if it does not drain, or has only idle connections left. */
function progressOf(worker: Draining): string | undefined {
  const [, waitsFor] = WAITS.exec(worker.reported.status ?? '') ?? []
  if (worker.state !== 'draining' || waitsFor === undefined) return undefined
  return `process ${worker.pid} of generation ${worker.place.generation} still drains: ${waitsFor}`
}

/** Shows the drains as one line of a terminal, which counts down. */
export class DrainLine implements DrainProgress {
  readonly #rewrite: (line: string | undefined) => void
  readonly #lines = new Map<Draining, string>()

  constructor(rewrite: (line: string | undefined) => void) {
    this.#rewrite = rewrite
  }

  statusChanged(worker: Draining): void {
    const progress = progressOf(worker)
    if (progress === undefined) this.ended(worker)
    else {
      this.#lines.set(worker, progress)
      this.#show()
    }
  }

  ended(worker: Draining): void {
    if (this.#lines.delete(worker)) this.#show()
  }

  #show(): void {
    const [first, ...others] = this.#lines.values()
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`
    this.#rewrite(first && `socket-port: ${first}${more}`)
  }
}

/** Reports the drains that take long, each every five seconds. */
export class LongDrains implements DrainProgress {
  readonly #report: (message: string) => void
  readonly #now: () => number
  readonly #reported = new WeakMap<object, number>()

  constructor(report: (message: string) => void, now: () => number = () => performance.now()) {
    this.#report = report
    this.#now = now
  }

  statusChanged(worker: Draining): void {
    const progress = progressOf(worker)
    if (progress === undefined) return
    const now = this.#now()
    const since = this.#reported.get(worker)
    if (since === undefined) this.#reported.set(worker, now)
    if (since === undefined || now - since < INTERVAL) return
    this.#reported.set(worker, now)
    this.#report(progress)
  }

  ended(): void {}
}
