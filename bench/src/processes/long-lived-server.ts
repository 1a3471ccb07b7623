// Holds WebSockets of ws (`/ws`) and connections of Socket.IO. NEXT says when the next process serves. At the end it prints the
// largest number of them that it has closed in one turn of the event loop.
import { writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { serve } from '@socket-port/core'
import { Server as SocketIo } from 'socket.io'
import { WebSocket, WebSocketServer } from 'ws'

const server = createServer()
const sockets = new WebSocketServer({ noServer: true })
server.on('upgrade', (request, socket, head) => {
  if (request.url === '/ws')
    sockets.handleUpgrade(request, socket, head, (client) => client.send('hello'))
})
const io = new SocketIo(server, { transports: ['websocket'] })

const { OPEN } = WebSocket
let closes = 0
let most = 0
// Socket.IO has a copy of ws of its own.
const engine = io.engine as unknown as { ws: { options: { WebSocket: typeof WebSocket } } }
for (const { prototype } of new Set([WebSocket, engine.ws.options.WebSocket])) {
  const { close } = prototype
  prototype.close = function (...args) {
    // ws calls it again when the client has answered.
    if (this.readyState !== OPEN) return close.apply(this, args)
    if (closes === 0) setImmediate(() => (closes = 0))
    closes += 1
    most = Math.max(most, closes)
    return close.apply(this, args)
  }
}

const successor = process.env.NEXT === 'running' ? 'running' : 'after-exit'
await serve(server, { inherit: 'require', drain: { successor } })
process.once('exit', () => writeSync(1, `${JSON.stringify({ most })}\n`))
console.log(JSON.stringify({ ready: true }))
