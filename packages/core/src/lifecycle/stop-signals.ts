// systemd's KillMode=control-group, a process group, npm, cross-env and nodemon all send a stop
// signal more than once within milliseconds.
const ONE_STOP = 200

/** Counts stop signals that come within a short time as one, whether they are SIGTERM or SIGINT. */
export class StopSignals {
  readonly #window: number
  #isOpen = false

  /** @param window Milliseconds. */
  constructor(window: number = ONE_STOP) {
    this.#window = window
  }

  /** Called for each signal; true for the first of those that count as one. */
  isNew(): boolean {
    if (this.#isOpen) return false
    this.open()
    return true
  }

  /** Call it when a stop begins for another reason: signals that come shortly after belong to that stop. */
  open(): void {
    this.#isOpen = true
    // The event loop polls for signals between the timer and the immediate. So a signal that was
    // sent in time, and waited while the loop was busy, still belongs to this stop.
    setTimeout(() => {
      setImmediate(() => {
        this.#isOpen = false
      })
    }, this.#window).unref()
  }
}
