import type { Clock } from '../supervisor/clock.ts'
import type { Worker } from '../supervisor/worker.ts'

// Milliseconds. npm and other wrappers end a moment after the server below them.
const GRACE = 1_000

/** Reports when a server below a wrapper has ended while the wrapper goes on, as `node --watch` does, and when the next serves. */
export class ServerReports {
  readonly #clock: Clock
  readonly #report: (message: string) => void
  /** Workers whose server has ended, as was reported. */
  readonly #lost = new WeakSet<Worker>()

  constructor(clock: Clock, report: (message: string) => void) {
    this.#clock = clock
    this.#report = report
  }

  /** Call it when the server `pid` below the wrapper has ended. */
  ended(worker: Worker, pid: number): void {
    this.#clock.after(GRACE, () => {
      // Nothing to report: the wrapper has ended too, or was told to stop, or has started the next server.
      if (worker.state === 'draining' || worker.state === 'gone') return
      if (worker.pid !== worker.startedPid) return
      this.#lost.add(worker)
      this.#report(
        `process ${pid}, which served below process ${worker.startedPid}, has ended, and process ` +
          `${worker.startedPid} goes on. New connections wait until it starts a server again`,
      )
    })
  }

  /** Call it when a server below the wrapper has got a socket. */
  joined(worker: Worker): void {
    if (this.#lost.delete(worker)) {
      this.#report(`process ${worker.pid} serves now, below process ${worker.startedPid}`)
    }
  }
}
