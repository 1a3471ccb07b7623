import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

/**
 * A server that takes 5 ms for each request, echoes what comes on WebSockets, and sends a number every 50 ms to clients of
 * `/events`. `onEventStream` is called for each of these, before the first number.
 */
export function createEcho(onEventStream = () => {}) {
  const server = createServer((request, response) => {
    if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      onEventStream(request, response)
      sendNumbers(request, response)
      return
    }
    response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
    setTimeout(() => request.pipe(response), 5)
  })
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('message', (message) => socket.send(String(message)))
  })
  return server
}

const INTERVAL = 50

/** The numbers come from the clock, so all processes send the same. A client that connects again gets the numbers since its last one. */
function sendNumbers({ headers }, response) {
  const now = () => Math.floor(Date.now() / INTERVAL)
  let next = Number(headers['last-event-id'] ?? now() - 1) + 1
  const timer = setInterval(() => {
    for (; next <= now(); next += 1) response.write(`id: ${next}\ndata:\n\n`)
  }, INTERVAL)
  response.once('close', () => clearInterval(timer))
}
