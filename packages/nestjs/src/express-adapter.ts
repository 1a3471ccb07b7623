import type { RequestListener } from 'node:http'
import { ExpressAdapter } from '@nestjs/platform-express'
import { type AttachOptions, attach, type Service } from '@socket-port/core/adapter'
import { callBeforeClose } from './before-close.ts'
import { watchGateways } from './gateways.ts'
import { NestServer } from './nest-server.ts'

callBeforeClose()

/**
 * Nest's Express adapter, whose `listen` inherits or binds its socket and whose application drains
 * before its modules are destroyed: on SIGTERM and SIGINT, and in `app.close()`.
 *
 * @example
 * const app = await NestFactory.create(AppModule, new SocketPortExpressAdapter())
 * await app.listen(8080)
 */
export class SocketPortExpressAdapter extends ExpressAdapter {
  static {
    // Libraries recognize the platform by this name (@nestjs/serve-static, nestjs-cls).
    Object.defineProperty(SocketPortExpressAdapter, 'name', { value: ExpressAdapter.name })
  }

  readonly #options: AttachOptions | undefined
  #server: NestServer | undefined

  /** @param options The options of `attach` in `@socket-port/core`: `drain`, `inherit`, `name`, … */
  constructor(options?: AttachOptions)
  /** @param instance An Express application of your own, as Nest's adapter takes it. */
  constructor(instance: RequestListener | undefined, options?: AttachOptions)
  constructor(instanceOrOptions?: RequestListener | AttachOptions, options?: AttachOptions) {
    const isOptions = typeof instanceOrOptions === 'object' && instanceOrOptions !== null
    super(isOptions ? undefined : instanceOrOptions)
    this.#options = isOptions ? instanceOrOptions : options
  }

  override initHttpServer(...args: Parameters<ExpressAdapter['initHttpServer']>): void {
    super.initHttpServer(...args)
    const server = this.httpServer
    const quick = args[0]?.forceCloseConnections === true
    const own = new NestServer((...given) => attach(server, ...given), this.#options, quick)
    this.#server = own
    watchGateways(this, (gateway) => own.serveGateway(gateway))
  }

  /**
   * The application as a service, for readiness probes (`state`) and endless responses (`signal`);
   * `undefined` until it has been told to listen.
   */
  get service(): Service | undefined {
    return this.#server?.service
  }

  override async beforeClose(): Promise<void> {
    await this.#server?.drain()
    // Called last, because it refuses requests with `return503OnClosing`. Nest 11 has no such method.
    super.beforeClose?.()
  }
}
