import { createServer } from 'node:http'
import { serve } from '@socket-port/core'

const server = createServer((request, response) => {
  response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
  response.end(`app by process ${process.pid}\n`)
})
// The socket outlives the process: systemd stores it, and gives it to the next one.
const { url, source } = await serve(server, { port: process.env.PORT ?? 8080, fdStore: true })
console.log(`${url} (${source})`)
