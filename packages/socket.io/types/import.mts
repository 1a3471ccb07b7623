import { createServer } from 'node:http'
import { serve } from '@socket-port/core'
import { handOverSocketIo, type SocketIoServer } from '@socket-port/socket.io'
import { Server } from 'socket.io'

interface FromClient {
  say(text: string, sent: (id: number) => void): void
}
interface FromServer {
  said(text: string): void
}
interface Data {
  name: string
}

const server = createServer()
const io = new Server<FromClient, FromServer, Record<string, never>, Data>(server)
handOverSocketIo(io)
io.on('connection', (socket) => {
  if (!socket.recovered) socket.data.name = String(socket.handshake.auth.name)
  socket.on('say', (text, sent) => {
    io.emit('said', `${socket.data.name}: ${text}`)
    sent(1)
  })
})

const plain: SocketIoServer = new Server()
handOverSocketIo(plain)

await serve(server, 8080)
