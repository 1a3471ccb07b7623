// What is written for Nest's own Fastify adapter.
import type { INestApplication } from '@nestjs/common'
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { type AttachOptions, SocketPortFastifyAdapter } from '@socket-port/nestjs/fastify'

class AppModule {}
const options: AttachOptions = { drain: { timeout: 10_000 }, name: 'web' }

const app = await NestFactory.create<NestFastifyApplication>(
  AppModule,
  new SocketPortFastifyAdapter({ logger: true, ignoreTrailingSlash: true }),
)
await app.register(async () => {})
await app.listen({ port: 8080, host: '::' })

export const adapters: FastifyAdapter[] = [
  new SocketPortFastifyAdapter(),
  new SocketPortFastifyAdapter({ http2: true }),
  new SocketPortFastifyAdapter({ http2: true, https: {} }),
  new SocketPortFastifyAdapter({ https: {} }, options),
  new SocketPortFastifyAdapter(new FastifyAdapter().getInstance()),
]
export class OwnAdapter extends SocketPortFastifyAdapter {
  constructor() {
    super({}, options)
  }
}

export const untyped: INestApplication = await NestFactory.create(AppModule, new OwnAdapter())
export const adapter: AbstractHttpAdapter = new SocketPortFastifyAdapter()
export const state: 'ready' | 'draining' | 'closed' | undefined = new OwnAdapter().service?.state
export const signal: AbortSignal | undefined = new OwnAdapter().service?.signal

// @ts-expect-error There is no such option.
new SocketPortFastifyAdapter({}, { port: 8080 })
