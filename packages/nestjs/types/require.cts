// As CommonJS, which most programs for Nest 11 are compiled to.
import { NestFactory } from '@nestjs/core'
import { SocketPortExpressAdapter } from '@socket-port/nestjs'
import { SocketPortFastifyAdapter } from '@socket-port/nestjs/fastify'

class AppModule {}

export async function start(): Promise<void> {
  const app = await NestFactory.create(AppModule, new SocketPortExpressAdapter())
  await app.listen(8080)
  await NestFactory.create(AppModule, new SocketPortFastifyAdapter({ logger: true }))
}
