// As CommonJS, which most programs for Nest 11 are compiled to.
import { NestFactory } from '@nestjs/core'
import { SocketPortFastifyAdapter } from '@socket-port/nestjs/fastify'

class AppModule {}

export async function start(): Promise<void> {
  const app = await NestFactory.create(AppModule, new SocketPortFastifyAdapter({ logger: true }))
  await app.listen(8080)
}
