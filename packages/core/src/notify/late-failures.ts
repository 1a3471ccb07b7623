import type { Logger } from '../base/types.ts'
import { statusText } from './message.ts'
import { type Notifier, notifier } from './notifier.ts'

/**
 * Servers that could not listen after READY=1 was sent, because the program has started them late. The
 * manager counts the process as ready, and READY=1 cannot be taken back (sd_notify(3)). So STATUS= says
 * what has failed, until the server listens after all.
 */
export class LateFailures {
  readonly #unreported = new Map<object, unknown>()
  /** The STATUS= of each server that was reported. A program may make a new server for each attempt. */
  readonly #reported = new WeakMap<object, string>()
  #statusBefore = ''
  #lastReport = ''
  #logged = false

  add(server: object, error: unknown): void {
    this.#unreported.set(server, error)
  }

  /** The server starts once more before its failure was reported. */
  forget(server: object): void {
    this.#unreported.delete(server)
  }

  /** The server listens: the STATUS= from before its failure is right again. */
  recovered(server: object, sender: Notifier): void {
    const report = this.#reported.get(server)
    this.#reported.delete(server)
    if (report !== undefined && sender.status === report)
      sender.post({ STATUS: this.#statusBefore })
  }

  /** Reports what has failed and does not start once more. */
  report(logger: Logger): void {
    const sender = notifier()
    for (const [server, error] of this.#unreported) {
      const reason = error instanceof Error ? error.message : String(error)
      const report = statusText(`a server cannot listen: ${reason}`)
      if (sender.status !== this.#lastReport) this.#statusBefore = sender.status
      this.#lastReport = report
      this.#reported.set(server, report)
      sender.post({ STATUS: report })
    }
    if (this.#unreported.size > 0) this.#log(logger)
    this.#unreported.clear()
  }

  #log(logger: Logger): void {
    if (this.#logged) return
    this.#logged = true
    logger.error(
      'a server cannot listen, but READY=1 was sent before it was started, so the manager counts the process ' +
        'as ready; STATUS= says what has failed. Start every server before the program waits for anything else; ' +
        'or pass notify: false to each, and call notify({ ready: true }) when all of them listen',
    )
  }
}
