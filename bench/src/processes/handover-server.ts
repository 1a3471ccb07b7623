// Receives the connections of the process before, hands its own over on SIGTERM, and tells when. With WEB_SOCKETS each
// connection is a WebSocket that echoes, with so many bytes attached. With SOCKET_IO each is one of Socket.IO that counts, with
// so many bytes of `data`.
import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import { createServer } from 'node:http'
import type { DrainEndEvent, ReceiveEvent } from '@socket-port/core'
import { now } from '@socket-port/testkit'
import { importCore } from './core.ts'
import type { HandoverLine } from './handover-report.ts'
import { stopwatch, type Took } from './stopwatch.ts'

const server = createServer((_request, response) => response.end('hello\n'))
// Idle connections must outlive the measurement.
server.keepAliveTimeout = 600_000

const { pid } = process
const lap = stopwatch()
let received = 0
let heard = 0
let queue: Took
server.once('listening', lap)
// Older builds publish it under the second name.
for (const name of ['socket-port.receive', 'socket-port.adopt']) {
  subscribe(name, (message) => {
    received += (message as ReceiveEvent).connections
    say({ pid, received, took: lap(), at: now() })
  })
}
subscribe('socket-port.drain.end', (message) => {
  const { result } = message as DrainEndEvent
  const handedOver = result.handedOver + (result.webSockets?.handedOver ?? 0)
  const memory = process.resourceUsage().maxRSS / 1024
  say({ pid, handedOver, memory, heard, queue, sending: lap() })
})
process.once('exit', () => say({ pid, gone: now() }))

const attached = Number(process.env.WEB_SOCKETS ?? 0)
if (attached > 0) {
  const { handOverWebSockets } = await import('@socket-port/ws')
  const { WebSocketServer } = await import('ws')
  handOverWebSockets(server, { attachment: () => 'x'.repeat(attached) })
  const sockets = new WebSocketServer({ server, perMessageDeflate: false })
  sockets.on('connection', (ws) => ws.on('message', (text, binary) => ws.send(text, { binary })))
}
const data = Number(process.env.SOCKET_IO ?? 0)
if (data > 0) {
  const { handOverSocketIo } = await import('@socket-port/socket.io')
  const { Server } = await import('socket.io')
  const io = new Server(server)
  handOverSocketIo(io)
  io.on('connection', (socket) => {
    if (!socket.recovered) Object.assign(socket.data, { count: 0, padding: 'x'.repeat(data) })
    socket.on('count', (n: number, answer: (answer: object) => void) => {
      socket.data.count += 1
      answer({ n, count: socket.data.count, pid, id: socket.id })
    })
  })
}
const { serve } = await importCore()
const service = await serve(server, {
  inherit: 'require',
  // Its manager is the benchmark, and no systemd, which would be asked.
  drain: { idle: 'handover' },
})
// Ahead of core's own listener, which begins the drain at once.
process.prependListener('SIGTERM', () => {
  heard = now()
  lap()
})
// Aborted as soon as it is known who keeps the connections.
service.signal.addEventListener('abort', () => {
  queue = lap()
})
say({ ready: true })

// At once: the process may end in this turn of the loop.
function say(line: HandoverLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}
