import { serve } from '@socket-port/core'
import { attachmentOf, handOverWebSockets } from '@socket-port/ws'
import { WebSocketServer } from 'ws'
import { createApp } from './app.mjs'
import { History } from './history.mjs'
import { participant } from './participant.mjs'

const history = new History('chat.log')
const server = createApp(history, 'web-socket.js')
const sockets = new WebSocketServer({ server, path: '/messages', maxPayload: 8_192 })
handOverWebSockets(server, { attachment: (ws) => ws.participant.state })

sockets.on('connection', (ws, request) => {
  const send = (message) => ws.send(JSON.stringify(message))
  // There is no attachment for a client that is really new.
  const one = participant(history, send, attachmentOf(request))
  ws.participant = one
  ws.on('message', (data) => one.receive(parse(data)))
  ws.on('error', () => {})
  ws.once('handover', one.stop)
  ws.once('close', one.leave)
})

function parse(data) {
  try {
    return JSON.parse(data)
  } catch {}
}

const { url, source } = await serve(server, process.env.PORT ?? 8080)
console.log(`${url} (${source})`)
