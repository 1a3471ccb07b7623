// What is written for Nest's own adapters.
import { createServer } from 'node:http'
import type { INestApplication } from '@nestjs/common'
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core'
import type { ExpressAdapter, NestExpressApplication } from '@nestjs/platform-express'
import type { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify'
import type { Service } from '@socket-port/core'
import { type ManageOptions, SocketPortExpressAdapter } from '@socket-port/nestjs'
import { SocketPortFastifyAdapter } from '@socket-port/nestjs/fastify'
import fastify from 'fastify'

class AppModule {}
const options: ManageOptions = { drain: { timeout: 10_000 }, name: 'web' }

const onExpress = await NestFactory.create<NestExpressApplication>(
  AppModule,
  new SocketPortExpressAdapter(),
  { cors: true },
)
onExpress.useStaticAssets('public')
await onExpress.listen(8080, '0.0.0.0', () => {})

const application = createServer().listeners('request')[0] as (...args: unknown[]) => void
export const expressAdapters: ExpressAdapter[] = [
  new SocketPortExpressAdapter(options),
  new SocketPortExpressAdapter(application),
  new SocketPortExpressAdapter(application, options),
  new SocketPortExpressAdapter(undefined, options),
]

const onFastify = await NestFactory.create<NestFastifyApplication>(
  AppModule,
  new SocketPortFastifyAdapter({ logger: true, ignoreTrailingSlash: true }),
)
await onFastify.register(async () => {})
await onFastify.listen({ port: 8080, host: '::' })

export const fastifyAdapters: FastifyAdapter[] = [
  new SocketPortFastifyAdapter(),
  new SocketPortFastifyAdapter({ http2: true }),
  new SocketPortFastifyAdapter({ http2: true, https: {} }),
  new SocketPortFastifyAdapter({ https: {} }, options),
  new SocketPortFastifyAdapter(fastify()),
]
export class OwnAdapter extends SocketPortFastifyAdapter {
  constructor() {
    super({}, options)
  }
}

export const untyped: INestApplication = await NestFactory.create(AppModule, new OwnAdapter())
export const adapter: AbstractHttpAdapter = new SocketPortExpressAdapter()
export const service: Service | undefined = new OwnAdapter().service

// @ts-expect-error There is no such option.
new SocketPortExpressAdapter({ grace: 5 })
// @ts-expect-error Nor here.
new SocketPortFastifyAdapter({}, { port: 8080 })
