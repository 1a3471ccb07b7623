import Fastify = require('fastify')
import socketPort = require('@socket-port/fastify')

const { socketPort: named, default: byDefault } = socketPort

export async function start(): Promise<string> {
  const app = Fastify()
  await app.register(socketPort, { inherit: 'never' })
  await app.register(named)
  await app.register(byDefault)
  return app.listen({ port: 8080 })
}
