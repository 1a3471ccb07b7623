// What is written for Nest's own Express adapter.
import { createServer } from 'node:http'
import type { INestApplication } from '@nestjs/common'
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core'
import type { ExpressAdapter, NestExpressApplication } from '@nestjs/platform-express'
import { type AttachOptions, SocketPortExpressAdapter } from '@socket-port/nestjs'

class AppModule {}
const options: AttachOptions = { drain: { timeout: 10_000 }, name: 'web' }

const app = await NestFactory.create<NestExpressApplication>(
  AppModule,
  new SocketPortExpressAdapter(),
  { cors: true },
)
app.useStaticAssets('public')
await app.listen(8080, '0.0.0.0', () => {})

const application = createServer().listeners('request')[0] as (...args: unknown[]) => void
export const adapters: ExpressAdapter[] = [
  new SocketPortExpressAdapter(options),
  new SocketPortExpressAdapter(application),
  new SocketPortExpressAdapter(application, options),
  new SocketPortExpressAdapter(undefined, options),
]
export class OwnAdapter extends SocketPortExpressAdapter {
  constructor() {
    super(options)
  }
}

export const untyped: INestApplication = await NestFactory.create(AppModule, new OwnAdapter())
export const adapter: AbstractHttpAdapter = new SocketPortExpressAdapter()
export const state: 'ready' | 'draining' | 'closed' | undefined = new OwnAdapter().service?.state
export const signal: AbortSignal | undefined = new OwnAdapter().service?.signal

// @ts-expect-error There is no such option.
new SocketPortExpressAdapter({ grace: 5 })
