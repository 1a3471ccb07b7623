import { isOwnListener, ownListener } from '../base/own-listener.ts'
import type { ShutdownSignal } from '../base/types.ts'

/** The signals that may start a shutdown. */
export const SHUTDOWN_SIGNALS: readonly ShutdownSignal[] = ['SIGTERM', 'SIGINT']

/** The listeners of this package for stop signals. */
export class SignalListeners {
  readonly #onSignal: (signal: NodeJS.Signals) => void
  readonly #heard = new Set<ShutdownSignal>()

  constructor(onSignal: (signal: NodeJS.Signals) => void) {
    this.#onSignal = ownListener(onSignal)
  }

  /** Listens to these signals, and to no others. */
  listenTo(wanted: ReadonlySet<ShutdownSignal>): void {
    for (const signal of SHUTDOWN_SIGNALS) {
      if (wanted.has(signal) === this.#heard.has(signal)) continue
      if (wanted.has(signal)) {
        this.#heard.add(signal)
        // Be the first listener, so that the drain has begun when another one ends the process.
        process.prependListener(signal, this.#onSignal)
      } else {
        this.#heard.delete(signal)
        process.off(signal, this.#onSignal)
      }
    }
  }

  /** Whether it listens to the signal. */
  has(signal: ShutdownSignal): boolean {
    return this.#heard.has(signal)
  }

  /** Whether the program itself has listeners of the signal. */
  programHas(signal: ShutdownSignal): boolean {
    return process.listeners(signal).some((listener) => !isOwnListener(listener))
  }

  /** Puts the listeners back that the program has removed with its own (`process.removeAllListeners`). */
  restore(): void {
    for (const signal of this.#heard) {
      if (!process.listeners(signal).includes(this.#onSignal))
        process.prependListener(signal, this.#onSignal)
    }
  }
}
