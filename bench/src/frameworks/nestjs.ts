import 'reflect-metadata'
import type { Server } from 'node:http'
import { Controller, Get, Module } from '@nestjs/common'
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core'
import { HOST, type StartFramework } from './framework.ts'

export const startOnExpress: StartFramework = async (attached, hello) => {
  if (!attached) {
    const { ExpressAdapter } = await import('@nestjs/platform-express')
    return start(new ExpressAdapter(), hello)
  }
  const { SocketPortExpressAdapter } = await import('@socket-port/nestjs')
  return start(new SocketPortExpressAdapter(), hello)
}

export const startOnFastify: StartFramework = async (attached, hello) => {
  if (!attached) {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify')
    return start(new FastifyAdapter(), hello)
  }
  const { SocketPortFastifyAdapter } = await import('@socket-port/nestjs/fastify')
  return start(new SocketPortFastifyAdapter(), hello)
}

async function start(adapter: AbstractHttpAdapter, hello: () => string): Promise<Server> {
  @Controller()
  class AppController {
    @Get()
    hello(): string {
      return hello()
    }
  }

  @Module({ controllers: [AppController] })
  class AppModule {}

  // `abortOnError: false` throws errors: without a logger, Nest would end the process without a message.
  const app = await NestFactory.create(AppModule, adapter, { logger: false, abortOnError: false })
  await app.listen(0, HOST)
  return app.getHttpServer()
}
