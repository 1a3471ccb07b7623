// Receives the connections of the previous process, hands its own over on SIGTERM, and prints the times. With WEB_SOCKETS each
// connection is a WebSocket that echoes, with that many bytes attached. With SOCKET_IO each is one of Socket.IO that counts,
// with that many bytes of `data`.
import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import { createServer } from 'node:http'
import type { DrainEndEvent, ReceiveEvent } from '@socket-port/core'
import { now } from '@socket-port/testkit'
import { importCore } from './core.ts'
import type { HandoverLine } from './handover-report.ts'
import { KEEP_ALIVE } from './keep-alive.ts'
import { stopwatch, type Took } from './stopwatch.ts'

const server = createServer((_request, response) => response.end('hello\n'))
server.keepAliveTimeout = KEEP_ALIVE

const { pid } = process
const lap = stopwatch()
let received = 0
let heard = 0
let queue: Took
server.once('listening', lap)
// Builds for --before may publish it under the second name.
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
  // With 'auto', core would ask systemd whether a next process starts; here the benchmark is the manager.
  drain: { idle: 'handover' },
})
// Prepended, because core's own listener begins the drain at once.
process.prependListener('SIGTERM', () => {
  heard = now()
  lap()
})
// The signal aborts as soon as the manager has the queue.
service.signal.addEventListener('abort', () => {
  queue = lap()
})
say({ ready: true })

// Written synchronously: the process may end in this turn of the event loop.
function say(line: HandoverLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}
