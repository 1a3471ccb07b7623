import webSocket from '@fastify/websocket'
import fastify from 'fastify'

const app = fastify()
await app.register(webSocket)
app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
app.get('/', async () => 'hello\n')
app.post('/echo', async (request) => request.raw)
app.get('/socket', { websocket: true }, (socket) => {
  socket.on('message', (message) => socket.send(String(message)))
})
await app.listen({ port: Number(process.env.PORT ?? 3000), host: '::' })
