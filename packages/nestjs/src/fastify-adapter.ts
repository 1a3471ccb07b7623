import { FastifyAdapter } from '@nestjs/platform-fastify'
import type { AttachOptions, Service } from '@socket-port/core/adapter'
import { attachFastify } from '@socket-port/fastify/attach'
import { callBeforeClose } from './before-close.ts'
import { watchGateways } from './gateways.ts'
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
    // Libraries recognize the platform by this name (@nestjs/serve-static, nestjs-cls).
    Object.defineProperty(SocketPortFastifyAdapter, 'name', { value: FastifyAdapter.name })
  }

  readonly #options: AttachOptions | undefined
  #server: NestServer | undefined

  /**
   * @param instanceOrOptions Fastify's options, or an application of your own, as Nest's adapter takes them.
   * @param options The options of `attach` in `@socket-port/core`: `drain`, `inherit`, `name`, …
   */
  constructor(
    instanceOrOptions?: ConstructorParameters<typeof FastifyAdapter>[0],
    options?: AttachOptions,
  ) {
    // Nest's parameter has the type of its default server; this one allows those of any server.
    super(instanceOrOptions as never)
    this.#options = options
  }

  override initHttpServer(...args: Parameters<FastifyAdapter['initHttpServer']>): void {
    super.initHttpServer(...args)
    const fastify = this.getInstance<Parameters<typeof attachFastify>[0]>()
    const quick = args[0]?.forceCloseConnections === true
    const own = new NestServer((...given) => attachFastify(fastify, ...given), this.#options, quick)
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
