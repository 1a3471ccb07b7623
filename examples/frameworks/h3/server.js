import { plugin as webSocket } from 'crossws/server'
import { defineWebSocketHandler, H3, serve } from 'h3'

const app = new H3()
app.get('/', () => 'hello\n')
app.post('/echo', (event) => event.req.body)
app.get(
  '/socket',
  defineWebSocketHandler({ message: (peer, message) => peer.send(message.text()) }),
)
serve(app, {
  port: process.env.PORT ?? 3000,
  plugins: [webSocket({ resolve: async (request) => (await app.fetch(request)).crossws })],
})
