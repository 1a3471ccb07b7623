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

/** The part of what `attach` returns that is used here. */
export interface AttachedServer extends Pick<Attached, 'service' | 'shutdown'> {
  drain(options?: { quick?: boolean }): Promise<unknown>
}

/** The servers of a Nest application, which inherit or bind and drain: its own, and those of its gateways. */
export class NestServer {
  readonly #attached: AttachedServer
  readonly #gateways: AttachedServer[] = []
  readonly #options: AttachOptions
  readonly #parts: AttachParts
  readonly #quick: boolean
  /** Nest is closing the application. If a signal was the reason, Nest ends the process. */
  #closing = false

  /** @param quick Whether `app.close()` closes idle connections at once. */
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

  /** Attaches to the server of a gateway on a port of its own, so that it drains like that of the application. */
  serveGateway(server: Server): void {
    if (!server.listening || serviceOf(server) !== undefined) return
    const { drain, signals, exit, logger } = this.#options
    // `notify: false`: a gateway listens before the application, and the process is ready only when the application listens.
    this.#gateways.push(
      attach(server, { drain, signals, exit, logger, notify: false }, this.#parts),
    )
  }

  /**
   * Drains before Nest destroys its modules. If the process shuts down, its other servers also drain before, and its shutdown
   * hooks run, because Nest then ends the process by the same signal.
   */
  async drain(): Promise<void> {
    // A shutdown hook of core has closed the application: the shutdown waits for Nest, and ends the process.
    if (this.service?.state === 'closed') return
    this.#closing = true
    const quick = this.#quick
    await Promise.all([this.#attached, ...this.#gateways].map((each) => each.drain({ quick })))
    await this.#attached.shutdown
    this.#closing = false
  }
}
