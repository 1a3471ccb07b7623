import { type Logger, notify } from '@socket-port/core'

// As core says it for its own drains: more often than the time that it asks for.
const EVERY = 1_000
const AHEAD = 5_000

/**
 * What the manager of this process is told, under `Type=notify-reload` or `notify`: that the
 * generation that serves is ready, and never by a process that comes and goes. Without a manager
 * nothing is said, and no native code is loaded for it.
 */
export class Upstream {
  readonly #logger: Logger
  #status = ''
  #timer: NodeJS.Timeout | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Something takes time that has a deadline of its own here. */
  busy(kind: 'starting' | 'reloading' | 'stopping', status: string): void {
    this.#status = status
    const logger = this.#logger
    if (kind === 'reloading') notify({ reloading: true, status }, { logger })
    else if (kind === 'stopping') notify({ stopping: true, status }, { logger })
    else notify({ status }, { logger })
    this.#timer ??= setInterval(() => notify({ extendTimeout: AHEAD }, { logger }), EVERY).unref()
  }

  ready(status: string): void {
    this.quiet()
    this.#status = status
    notify({ ready: true, status }, { logger: this.#logger })
  }

  /** What the processes that serve say of themselves. */
  status(status: string): void {
    if (status === this.#status) return
    this.#status = status
    notify({ status }, { logger: this.#logger })
  }

  get isBusy(): boolean {
    return this.#timer !== undefined
  }

  quiet(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** What the manager of this process allows between two WATCHDOG=1, in ms; read before core clears it. */
export function watchdogOf({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | undefined {
  if (WATCHDOG_USEC === undefined || !/^[1-9]\d{0,15}$/.test(WATCHDOG_USEC)) return undefined
  const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid)
  return isOurs ? Number(WATCHDOG_USEC) / 1000 : undefined
}
