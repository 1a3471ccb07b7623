// The same chat over Socket.IO.
import { serve } from '@socket-port/core'
import { handOverSocketIo } from '@socket-port/socket.io'
import { Server } from 'socket.io'
import { createApp } from './app.mjs'
import { History } from './history.mjs'
import { participant } from './participant.mjs'

const history = new History('chat.log')
const server = createApp(history, 'socket-io.js')
const io = new Server(server, { maxHttpBufferSize: 8_192 })
handOverSocketIo(io)

io.on('connection', (socket) => {
  const send = (message) => socket.emit('message', message)
  // The next process gets `data` as it is at the hand-over. That of a client that is really new is empty.
  const one = participant(history, send, socket.data.state)
  socket.data.state = one.state
  socket.on('message', one.receive)
  socket.once('handover', one.stop)
  socket.once('disconnect', one.leave)
})

const { url, source } = await serve(server, process.env.PORT ?? 8080)
console.log(`${url} (${source})`)
