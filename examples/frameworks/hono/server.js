import { serve, upgradeWebSocket } from '@hono/node-server'
import { Hono } from 'hono'
import { WebSocketServer } from 'ws'

const app = new Hono()
app.get('/', (context) => context.text('hello\n'))
app.post('/echo', (context) => context.body(context.req.raw.body))
app.get(
  '/socket',
  upgradeWebSocket(() => ({ onMessage: (event, socket) => socket.send(event.data) })),
)
serve({
  fetch: app.fetch,
  port: Number(process.env.PORT ?? 3000),
  websocket: { server: new WebSocketServer({ noServer: true }) },
})
