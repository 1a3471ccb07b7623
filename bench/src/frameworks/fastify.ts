import Fastify from 'fastify'
import { HOST, type StartFramework } from './framework.ts'

export const startFastify: StartFramework = async (attached, hello) => {
  const app = Fastify()
  if (attached) await app.register((await import('@socket-port/fastify')).default)
  app.get('/', async () => hello())
  await app.listen({ port: 0, host: HOST })
  return app.server
}
