import { createServer } from 'node:http'
import { serve } from '@socket-port/core'

const server = createServer((request, response) => {
  response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
  response.end(`app by process ${process.pid}\n`)
})
const { url, source } = await serve(server, process.env.PORT ?? 8080)
console.log(`${url} (${source})`)
