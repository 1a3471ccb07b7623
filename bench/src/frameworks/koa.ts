import { once } from 'node:events'
import { HOST, type StartFramework } from './framework.ts'

export const startKoa: StartFramework = async (attached, hello) => {
  const { default: Koa } = await (attached ? import('@socket-port/koa') : import('koa'))
  const app = new Koa()
  app.use((context) => {
    context.body = hello()
  })
  const server = app.listen(0, HOST)
  await once(server, 'listening')
  return server
}
