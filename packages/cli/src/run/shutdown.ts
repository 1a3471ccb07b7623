import { counted } from '../base/counted.ts'
import type { ExitCode } from '../base/exit-codes.ts'
import type { Level } from '../base/level.ts'
import type { WorkerPool } from '../supervisor/worker-pool.ts'

export interface ShutdownOptions<Spec> {
  pool: WorkerPool<Spec>
  report(message: string, level?: Level): void
  /** Called once, before the first process is stopped. */
  stopping(): void
}

/** The end of `socket-port run`. The first reason for it decides the exit code. */
export class Shutdown<Spec> {
  /** Resolves with the exit code when every process has ended after a stop. */
  readonly over: Promise<ExitCode>
  readonly #options: ShutdownOptions<Spec>
  #isOver: (exitCode: ExitCode) => void = () => {}
  #exitCode: ExitCode = 0

  constructor(options: ShutdownOptions<Spec>) {
    this.#options = options
    this.over = new Promise((resolve) => {
      this.#isOver = resolve
    })
  }

  /** Stops because the first generation did not start. */
  fail(): Promise<ExitCode> {
    this.#exitCode = 1
    return this.stop('SIGTERM')
  }

  /** Stops every process. A second call stops them at once. All promises resolve together, with the exit code. */
  stop(signal: NodeJS.Signals): Promise<ExitCode> {
    const { pool, report, stopping } = this.#options
    const { table } = pool
    const isFirst = !pool.isStopping
    if (isFirst) {
      const { length } = table.workers
      const drain = `stops: ${counted(length, 'process drains', 'processes drain')}`
      if (length > 0) report(drain)
      stopping()
    }
    const { killed, failed } = table
    const allEnded = pool.stop(signal)
    if (isFirst) {
      void allEnded.then(() => {
        if (this.#exitCode === 0 && table.killed > killed) this.#exitCode = 5
        else if (this.#exitCode === 0 && table.failed > failed) this.#exitCode = 7
        // The failed first start was reported already.
        if (this.#exitCode !== 1)
          report(`stopped: ${howItEnded(this.#exitCode)}`, this.#exitCode === 0 ? 'info' : 'error')
        this.#isOver(this.#exitCode)
      })
    }
    return this.over
  }
}

/** How the end went, by its exit code. */
export function howItEnded(exitCode: ExitCode): string {
  if (exitCode === 5) return 'some processes had to be ended by SIGKILL'
  if (exitCode === 7) {
    return 'a process has cut connections, ended with an error, or could not be ended'
  }
  return 'every process has ended'
}
