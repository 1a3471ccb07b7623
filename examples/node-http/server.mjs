import { createServer } from 'node:http'
import { onShutdown, serve } from '@socket-port/core'

const server = createServer((request, response) => {
  response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
  response.end(`hello from process ${process.pid}\n`)
})

// After the last connection: the place to close a database.
onShutdown((reason) => console.log(`closed (${reason})`))

const { url, source } = await serve(server, process.env.PORT ?? 8080)
console.log(`${url} (${source})`)
