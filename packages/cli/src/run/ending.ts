import { counted } from '../counted.ts'
import type { Crew } from '../supervisor/crew.ts'
import type { ExitCode } from './exit-codes.ts'

export interface EndingOptions<Spec> {
  crew: Crew<Spec>
  report(message: string): void
  /** Called once, before the first process is stopped. */
  stopping(): void
}

/** The end of `socket-port run`, whatever asked for it; the first reason decides the exit code. */
export class Ending<Spec> {
  /** Resolves with the exit code when every process has ended after a stop. */
  readonly over: Promise<ExitCode>
  readonly #options: EndingOptions<Spec>
  #isOver: (exitCode: ExitCode) => void = () => {}
  #exitCode: ExitCode = 0

  constructor(options: EndingOptions<Spec>) {
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

  /** Stops every process. A second call stops them at once; both resolve together. */
  stop(signal: NodeJS.Signals): Promise<ExitCode> {
    const { crew, report, stopping } = this.#options
    const { population } = crew
    const isFirst = !crew.isStopping
    if (isFirst) {
      const { length } = population.workers
      const drain = `stops: ${counted(length, 'process drains', 'processes drain')}`
      if (length > 0) report(drain)
      stopping()
    }
    const { killed, failed } = population
    const gone = crew.stop(signal)
    if (isFirst) {
      void gone.then(() => {
        if (this.#exitCode === 0 && population.killed > killed) this.#exitCode = 5
        else if (this.#exitCode === 0 && population.failed > failed) this.#exitCode = 7
        // A first start that failed has been told.
        if (this.#exitCode !== 1) report(exitReport(this.#exitCode))
        this.#isOver(this.#exitCode)
      })
    }
    return this.over
  }
}

function exitReport(exitCode: ExitCode): string {
  if (exitCode === 5) return 'stopped: some processes had to be sent SIGKILL'
  if (exitCode === 7) return 'stopped: a process has cut connections, or ended with an error'
  return 'stopped: every process has ended'
}
