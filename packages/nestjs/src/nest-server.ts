import type { Server } from 'node:http'
import {
  type Attached,
  type AttachOptions,
  type AttachParts,
  attach,
  type Service,
  serviceOf,
} from '@socket-port/core/adapter'
import { nestLogger } from './logger.ts'

/** What `attach` returns, as far as it is used here. */
export interface AttachedServer extends Pick<Attached, 'service' | 'shutdown'> {
  drain(options?: { quick?: boolean }): Promise<unknown>
}

/** The server of a Nest application: its `listen` inherits or binds, and it drains. */
export class NestServer {
  readonly #attached: AttachedServer
  readonly #gateways: AttachedServer[] = []
  readonly #options: AttachOptions
  readonly #parts: AttachParts
  readonly #quick: boolean
  /** Nest closes the application, and ends the process if a signal was the reason. */
  #closing = false

  /** @param quick `app.close()` waits for no idle connection. */
  constructor(
    attachServer: (options: AttachOptions, parts: AttachParts) => AttachedServer,
    options: AttachOptions = {},
    quick = false,
  ) {
    this.#quick = quick
    this.#options = { ...options, logger: options.logger ?? nestLogger() }
    this.#parts = { endsElsewhere: () => this.#closing, announces: false }
    this.#attached = attachServer(this.#options, this.#parts)
  }

  get service(): Service | undefined {
    return this.#attached.service
  }

  /** Lets the server of a gateway on a port of its own drain as that of the application does. */
  serveGateway(server: Server): void {
    if (!server.listening || serviceOf(server) !== undefined) return
    const { drain, signals, exit, logger } = this.#options
    // Without `notify`: a gateway listens before the application does, which is ready only then.
    this.#gateways.push(
      attach(server, { drain, signals, exit, logger, notify: false }, this.#parts),
    )
  }

  /**
   * Drains before Nest destroys its modules. Where the process shuts down, its other servers drain
   * and its shutdown hooks run first too, for Nest then ends it by the same signal.
   */
  async drain(): Promise<void> {
    // Closed by a shutdown hook: the shutdown waits for Nest, and ends the process.
    if (this.service?.state === 'closed') return
    this.#closing = true
    const quick = this.#quick
    await Promise.all([this.#attached, ...this.#gateways].map((each) => each.drain({ quick })))
    await this.#attached.shutdown
    this.#closing = false
  }
}
