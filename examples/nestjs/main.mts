import 'reflect-metadata'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Controller, Get, Module, type OnModuleDestroy } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { SocketPortExpressAdapter } from '@socket-port/nestjs'

@Controller()
class AppController {
  @Get()
  hello(): string {
    return `hello from process ${process.pid}\n`
  }
}

@Module({ controllers: [AppController] })
class AppModule implements OnModuleDestroy {
  // After the last request: the place to close a database.
  onModuleDestroy(): void {
    console.log('closed')
  }
}

const app = await NestFactory.create(AppModule, new SocketPortExpressAdapter())
app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
  response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
  next()
})
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 8080)
console.log(await app.getUrl())
