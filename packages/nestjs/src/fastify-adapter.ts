import { FastifyAdapter } from '@nestjs/platform-fastify'
import type { AttachOptions, Service } from '@socket-port/core/adapter'
import { attachFastify } from '@socket-port/fastify/attach'
import { callBeforeClose } from './before-close.ts'
import { hearGateways } from './gateways.ts'
import { NestServer } from './nest-server.ts'

callBeforeClose()

/**
 * Nest's Fastify adapter, whose `listen` inherits or binds its socket and whose application drains
 * before its modules are destroyed: on SIGTERM and SIGINT, and in `app.close()`.
 *
 * @example
 * const app = await NestFactory.create(AppModule, new SocketPortFastifyAdapter())
 * await app.listen(8080)
 */
export class SocketPortFastifyAdapter extends FastifyAdapter {
  static {
    // Libraries ask for it to know the platform (@nestjs/serve-static, nestjs-cls).
    Object.defineProperty(SocketPortFastifyAdapter, 'name', { value: FastifyAdapter.name })
  }

  readonly #options: AttachOptions | undefined
  #server: NestServer | undefined

  /**
   * @param instanceOrOptions Fastify's options or an application of your own, as Nest's adapter.
   * @param options What is not Fastify's or Nest's own: `drain`, `inherit`, `name`, …
   */
  constructor(
    instanceOrOptions?: ConstructorParameters<typeof FastifyAdapter>[0],
    options?: AttachOptions,
  ) {
    // The same, but of any server's type where `extends` is of the default one's.
    super(instanceOrOptions as never)
    this.#options = options
  }

  override initHttpServer(...args: Parameters<FastifyAdapter['initHttpServer']>): void {
    super.initHttpServer(...args)
    const fastify = this.getInstance<Parameters<typeof attachFastify>[0]>()
    const quick = args[0]?.forceCloseConnections === true
    const own = new NestServer((...given) => attachFastify(fastify, ...given), this.#options, quick)
    this.#server = own
    hearGateways(this, (gateway) => own.serveGateway(gateway))
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
    // Last: with `return503OnClosing` it refuses requests. Nest 11 has none.
    super.beforeClose?.()
  }
}
