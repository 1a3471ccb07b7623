// Takes the connections of the process before, hands its own over on SIGTERM, and tells when.
import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AdoptEvent, type DrainEndEvent, serve } from '@socket-port/core'
import type { HandoverLine } from './handover-report.ts'
import { stopwatch, type Took } from './stopwatch.ts'

const server = createServer((_request, response) => response.end('hello\n'))
// Idle connections must outlive the measurement.
server.keepAliveTimeout = 600_000

const lap = stopwatch()
let line: Took
server.once('listening', lap)
process.prependListener('SIGTERM', lap)
subscribe('socket-port.adopt', (message) => {
  say({ adopted: (message as AdoptEvent).connections, took: lap() })
})
subscribe('socket-port.drain.end', (message) => {
  say({ handedOver: (message as DrainEndEvent).result.handedOver, line, sending: lap() })
})

const service = await serve(server, { port: Number(process.argv[2]), inherit: 'require' })
// Aborted as soon as it is known who keeps the connections.
service.signal.addEventListener('abort', () => {
  line = lap()
})
say({ ready: true })

// At once: the process may end in this turn of the loop.
function say(line: HandoverLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}
