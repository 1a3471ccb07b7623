import { createServer, type IncomingMessage } from 'node:http'
import { serve } from '@socket-port/core'
import {
  type AttachmentFunction,
  attachmentOf,
  type HandOverWebSocketsOptions,
  handOverWebSockets,
  isContinued,
} from '@socket-port/ws'
import { continueWebSockets, type WebSocketProtocol } from '@socket-port/ws/protocol'
import { type WebSocket, WebSocketServer } from 'ws'

interface State {
  count: number
}

const states = new WeakMap<WebSocket, State>()
const attachment: AttachmentFunction = (ws, request) => ({ ...states.get(ws), url: request.url })
const options: HandOverWebSocketsOptions = { attachment }

const server = createServer()
handOverWebSockets(server)
handOverWebSockets(server, options)
handOverWebSockets(server, { attachment: async (ws) => states.get(ws) })

const wss = new WebSocketServer({ server })
wss.on('connection', (ws: WebSocket, request: IncomingMessage) => {
  const before: State | null | undefined = attachmentOf<State>(request)
  states.set(ws, before ?? { count: isContinued(request) ? 1 : 0 })
  ws.on('handover', () => states.delete(ws))
})

const protocol: WebSocketProtocol = { capture: (ws) => (ws.isPaused ? 'it is paused' : {}) }
continueWebSockets(server, () => protocol)

await serve(server, 8080)
