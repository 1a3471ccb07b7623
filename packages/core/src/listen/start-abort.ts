/**
 * Takes back the start of one server. An AbortController would do the same, but its first use in a process takes half a
 * millisecond: V8 has to compile Node's EventTarget. So {@link signal} is made only for a start that waits with one.
 */
export class StartAbort {
  /** Called once, at the abort. */
  onAbort: (() => void) | undefined
  #aborted = false
  #reason: unknown
  #controller: AbortController | undefined

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): unknown {
    return this.#reason
  }

  /** Aborts when this start is aborted, for the same reason. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    this.#controller?.abort(reason)
    this.onAbort?.()
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason
  }

  /** Aborts when the signal of the program does. Returns a function that undoes it. */
  follow(signal: AbortSignal): () => void {
    const abort = (): void => this.abort(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    return () => signal.removeEventListener('abort', abort)
  }
}

/** The request of something that may have to wait before it can bind. */
export interface WaitingRequest {
  /** Of the program. */
  signal: AbortSignal | undefined
  /** Of the start of a server, which ends with the signal of the program too. */
  abort?: StartAbort | undefined
}

/** The signal that ends the wait. */
export const waitSignal = ({ abort, signal }: WaitingRequest): AbortSignal | undefined =>
  abort?.signal ?? signal
