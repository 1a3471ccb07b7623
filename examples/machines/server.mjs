// Echoes requests and messages, over HTTP and WebSockets. Run it on several machines behind a load balancer.
import { createServer } from 'node:http'
import { serve } from '@socket-port/core'
import { attachmentOf, handOverWebSockets } from '@socket-port/ws'
import { WebSocketServer } from 'ws'

const server = createServer((request, response) => {
  response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
  request.pipe(response)
})
// Longer than the load balancer keeps an idle connection.
server.keepAliveTimeout = 75_000

handOverWebSockets(server, { attachment: (ws) => ws.count })
new WebSocketServer({ server }).on('connection', (ws, request) => {
  ws.count = attachmentOf(request) ?? 0
  ws.on('message', (data) => {
    ws.count += 1
    ws.send(JSON.stringify({ text: String(data), count: ws.count, pid: process.pid }))
  })
})

const { url, source } = await serve(server, {
  port: process.env.PORT ?? 8080,
  probes: { ready: '/readyz', live: '/livez' },
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
})
console.log(`${url} (${source})`)
