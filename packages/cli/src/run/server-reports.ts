import type { Clock } from '../supervisor/clock.ts'
import type { Worker } from '../supervisor/worker.ts'

// Milliseconds. npm and its like end a moment after the server below them.
const GRACE = 1_000

/** Reports when a server below a wrapper has ended while the wrapper goes on, as `node --watch` does, and when the next serves. */
export class ServerReports {
  readonly #clock: Clock
  readonly #report: (message: string) => void
  /** Workers without a server, as was reported. */
  readonly #lost = new WeakSet<Worker>()

  constructor(clock: Clock, report: (message: string) => void) {
    this.#clock = clock
    this.#report = report
  }

  ended(worker: Worker, pid: number): void {
    this.#clock.after(GRACE, () => {
      // It has ended too, it is told to stop, or the next server is there.
      if (worker.state === 'draining' || worker.state === 'gone') return
      if (worker.pid !== worker.startedPid) return
      this.#lost.add(worker)
      this.#report(
        `process ${pid}, which served below process ${worker.startedPid}, has ended, and process ` +
          `${worker.startedPid} goes on. New connections wait until it starts a server again`,
      )
    })
  }

  joined(worker: Worker): void {
    if (this.#lost.delete(worker)) {
      this.#report(`process ${worker.pid} serves now, below process ${worker.startedPid}`)
    }
  }
}
