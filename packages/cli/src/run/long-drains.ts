import type { Worker } from '../supervisor/worker.ts'

// A drain that takes less is nothing to tell of, and a longer one is told of once in this time.
const INTERVAL = 5_000

// What core reports of a drain that waits for more than idle connections, which end by themselves.
const WAITS = /^draining: (?!0 |\d+ idle connections?;)(.+; \d+ s left)$/

type Draining = Pick<Worker, 'state' | 'reported' | 'pid' | 'place'>

/** Tells what processes wait for that drain. */
export interface DrainProgress {
  /** A process may have a new status. */
  statusChanged(worker: Draining): void
  /** It has ended. */
  ended(worker: Draining): void
}

/** What a draining process waits for; `undefined` where that is nothing to tell of. */
function progressOf(worker: Draining): string | undefined {
  const [, waitsFor] = WAITS.exec(worker.reported.status ?? '') ?? []
  if (worker.state !== 'draining' || waitsFor === undefined) return undefined
  return `process ${worker.pid} of generation ${worker.place.generation} still drains: ${waitsFor}`
}

/** Keeps one line on a terminal, which counts down. */
export class DrainLine implements DrainProgress {
  readonly #rewrite: (line: string) => void
  readonly #lines = new Map<Draining, string>()

  constructor(rewrite: (line: string) => void) {
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
    this.#rewrite(first === undefined ? '' : `socket-port: ${first}${more}`)
  }
}

/** Reports what a process waits for whose drain takes long. */
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
