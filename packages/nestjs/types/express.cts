// As CommonJS, which most programs for Nest 11 are compiled to.
import { NestFactory } from '@nestjs/core'
import { SocketPortExpressAdapter } from '@socket-port/nestjs'

class AppModule {}

export async function start(): Promise<void> {
  const app = await NestFactory.create(AppModule, new SocketPortExpressAdapter())
  await app.listen(8080)
}
