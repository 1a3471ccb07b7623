import express from 'express'
import { WebSocketServer } from 'ws'

const app = express()
app.get('/', (_request, response) => response.send('hello\n'))
app.post('/echo', (request, response) => request.pipe(response))
const server = app.listen(process.env.PORT ?? 3000)

new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (message) => socket.send(String(message)))
})
