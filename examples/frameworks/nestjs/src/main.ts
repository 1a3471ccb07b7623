import type { IncomingMessage, ServerResponse } from 'node:http'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets'

@Controller()
class AppController {
  @Get()
  hello(): string {
    return 'hello\n'
  }
}

@WebSocketGateway({ path: '/socket' })
class EchoGateway {
  @SubscribeMessage('echo')
  echo(...[, data]: [client: unknown, data: string]): object {
    return { event: 'echo', data }
  }
}

@Module({ controllers: [AppController], providers: [EchoGateway] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
app.useWebSocketAdapter(new WsAdapter(app))
app.enableShutdownHooks()
app.use('/echo', (request: IncomingMessage, response: ServerResponse) => request.pipe(response))
await app.listen(process.env.PORT ?? 3000)
