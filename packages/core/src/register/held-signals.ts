import type { ShutdownSignal } from '../base/types.ts'
import { type ProcessShutdown, processShutdown } from '../lifecycle/process-shutdown.ts'

// How often to look whether only the program can end what is left.
const LOOK_EVERY = 100

/** A stop signal that the program has not heard yet. */
interface Held {
  signal: ShutdownSignal
  /** Calls the program's listeners. */
  pass: () => boolean
}

/**
 * Holds SIGTERM and SIGINT back from the program's own listeners until its servers have drained: a listener that ends the
 * process, or closes its connections, would cut requests. Then they run as if the signal came at that moment.
 *
 * They run earlier if they may be what the drain waits for, or if a second signal comes.
 */
export class HeldSignals {
  readonly #shutdown: ProcessShutdown
  #held: Held | undefined
  #released = false
  #timer: NodeJS.Timeout | undefined

  constructor(shutdown: ProcessShutdown = processShutdown()) {
    this.#shutdown = shutdown
  }

  /** Handles a signal in place of `process.emit`. `pass` calls all listeners. */
  onSignal(signal: ShutdownSignal, pass: () => boolean): boolean {
    const shutdown = this.#shutdown
    if (this.#released) return pass()
    if (this.#held === undefined) {
      // No server listens, or another part of the program has begun the shutdown.
      if (!shutdown.listensTo(signal) || shutdown.running !== undefined) return pass()
      this.#hold({ signal, pass })
    } else if (shutdown.isAnotherStop()) {
      this.#second({ signal, pass })
    }
    return true
  }

  /** Whether the program ends the process after the drain. */
  get isProgramsEnd(): boolean {
    if (this.#released) return true
    return this.#held !== undefined && this.#shutdown.programListensTo(this.#held.signal)
  }

  /** Whether a signal is held back that the program will hear. */
  get isHolding(): boolean {
    return !this.#released && this.isProgramsEnd
  }

  #hold(held: Held): void {
    this.#held = held
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY).unref()
    // Outside of the promise: what a listener throws is an uncaught exception.
    void this.#shutdown.begin(held.signal).then(() => setImmediate(() => this.#release()))
  }

  #look(): void {
    if (this.isProgramsEnd && this.#shutdown.leftToProgram()) this.#release()
  }

  #second(second: Held): void {
    if (!this.isProgramsEnd) return void this.#shutdown.endNow(second.signal)
    const first = this.#held
    this.#release()
    if (second.signal === first?.signal) return
    if (process.listenerCount(second.signal) > 0) second.pass()
    // Without a listener the signal ends the process, as it would have done without us.
    else process.kill(process.pid, second.signal)
  }

  #release(): void {
    if (this.#released) return
    const programEnds = this.isProgramsEnd
    this.#released = true
    clearInterval(this.#timer)
    // Leave first: a listener that finds no other one may raise the signal again, to end the process by it.
    this.#shutdown.leaveEndToProgram()
    if (programEnds) this.#held?.pass()
  }
}
