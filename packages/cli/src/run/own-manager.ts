import { type Logger, notify } from '@socket-port/core'

// Milliseconds. Each EXTEND_TIMEOUT_USEC asks for more time than passes until the next one, as core does in a drain.
const EXTEND_EVERY = 1_000
const EXTENSION = 5_000

/**
 * Reports to the manager of this process (`Type=notify` or `notify-reload`) which generation serves. The manager
 * knows only this process. Without a manager, this class reports nothing and loads no native code.
 */
export class OwnManager {
  readonly #logger: Logger
  #status: string | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Call it when a step begins that takes time, and has its own deadline. */
  busy(kind: 'starting' | 'reloading' | 'stopping', status: string): void {
    this.#status = status
    const logger = this.#logger
    if (kind === 'reloading') notify({ reloading: true, status }, { logger })
    else if (kind === 'stopping') notify({ stopping: true, status }, { logger })
    else notify({ status }, { logger })
    this.#timer ??= setInterval(
      () => notify({ extendTimeout: EXTENSION }, { logger }),
      EXTEND_EVERY,
    ).unref()
  }

  /** Reports that a generation serves, and that the current step has ended. */
  ready(status: string): void {
    this.quiet()
    this.#status = status
    notify({ ready: true, status }, { logger: this.#logger })
  }

  /** Reports the status of the serving processes. */
  status(status: string): void {
    if (status === this.#status) return
    this.#status = status
    notify({ status }, { logger: this.#logger })
  }

  get isBusy(): boolean {
    return this.#timer !== undefined
  }

  /** Ends the current step: asks for no more time. */
  quiet(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** The watchdog time-out of this process, in milliseconds; `undefined` for none. Call it before core removes the variables. */
export function watchdogOf({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | undefined {
  if (WATCHDOG_USEC === undefined || !/^[1-9]\d{0,15}$/.test(WATCHDOG_USEC)) return undefined
  const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid)
  return isOurs ? Number(WATCHDOG_USEC) / 1000 : undefined
}
