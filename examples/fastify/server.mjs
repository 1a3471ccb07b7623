import socketPort from '@socket-port/fastify'
import Fastify from 'fastify'

const app = Fastify()
await app.register(socketPort)

app.get('/', async (request, reply) => {
  reply.header('x-request-id', request.headers['x-request-id'] ?? '')
  return `hello from process ${process.pid}\n`
})

// After the last request: the place to close a database.
app.addHook('onClose', async () => console.log('closed'))

await app.listen({ port: Number(process.env.PORT ?? 8080) })
console.log(app.listeningOrigin)
