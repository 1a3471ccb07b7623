// A server whose manager would keep connections, or that would rather keep its promise: HOW ADDRESS.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { importCore } from './core.ts'
import { tell } from './probe.ts'

const [idle, address] = process.argv.slice(2) as ['auto' | 'promise', string]
// Before core is loaded, which reads it once.
process.env.NOTIFY_SOCKET = address
const { serve } = await importCore()

let requests = 0
const server = createServer((_request, response) => {
  requests += 1
  response.end('hello\n')
})
// Idle connections must outlive the measurement.
server.keepAliveTimeout = 600_000
await serve(server, { port: 0, drain: { idle } })
tell((server.address() as AddressInfo).port, () => requests)
