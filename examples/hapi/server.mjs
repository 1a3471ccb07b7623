import Hapi from '@hapi/hapi'
import { socketPort } from './socket-port.mjs'

const server = Hapi.server({ port: process.env.PORT ?? 8080 })
await server.register(socketPort)

server.route({
  method: 'GET',
  path: '/',
  handler: (request, h) =>
    h
      .response(`hello from process ${process.pid}\n`)
      .header('x-request-id', request.headers['x-request-id'] ?? ''),
})

// After the last connection: the place to close a database.
server.ext('onPostStop', () => console.log('closed'))

await server.start()
console.log(server.info.uri)
