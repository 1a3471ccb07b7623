import { counted } from '../base/counted.ts'
import type { Logger } from '../base/types.ts'

/** Refusals come together when a process starts: they are reported once, so many milliseconds after the first. */
const COALESCE = 1_000

/** The connections of the previous process that the program of this one did not continue, or its server did not take. */
export class Refusals {
  readonly #reasons = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  add(reason: string, logger: Logger): void {
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
    this.#timer ??= setTimeout(() => this.#report(logger), COALESCE).unref()
  }

  #report(logger: Logger): void {
    this.#timer = undefined
    for (const [reason, count] of this.#reasons) {
      logger.warn(
        `closed ${counted(count, 'connection')} that the previous process handed over: ${reason}; ` +
          'their clients connect anew',
      )
    }
    this.#reasons.clear()
  }
}
