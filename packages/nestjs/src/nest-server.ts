import type { Attached, AttachOptions, AttachParts, Service } from '@socket-port/core/adapter'
import { nestLogger } from './logger.ts'

/** What `attach` returns, as far as it is used here. */
export interface AttachedServer extends Pick<Attached, 'service' | 'shutdown'> {
  drain(options?: { quick?: boolean }): Promise<unknown>
}

/** The server of a Nest application: its `listen` inherits or binds, and it drains. */
export class NestServer {
  readonly #attached: AttachedServer
  readonly #quick: boolean
  /** Nest closes the application, and ends the process if a signal was the reason. */
  #closing = false

  /** @param quick `app.close()` waits for no idle connection. */
  constructor(
    attach: (options: AttachOptions, parts: AttachParts) => AttachedServer,
    options: AttachOptions = {},
    onDrain?: () => Promise<void>,
    quick = false,
  ) {
    this.#quick = quick
    const endsElsewhere = (): boolean => this.#closing
    const logger = options.logger ?? nestLogger()
    this.#attached = attach({ ...options, logger }, { onDrain, endsElsewhere, announces: false })
  }

  get service(): Service | undefined {
    return this.#attached.service
  }

  /**
   * Drains before Nest destroys its modules. Where the process shuts down, its other servers drain
   * and its shutdown hooks run first too, for Nest then ends it by the same signal.
   */
  async drain(): Promise<void> {
    // Closed by a shutdown hook: the shutdown waits for Nest, and ends the process.
    if (this.service?.state === 'closed') return
    this.#closing = true
    await this.#attached.drain({ quick: this.#quick })
    await this.#attached.shutdown
    this.#closing = false
  }
}
