// Arguments: IDLE ADDRESS. Runs a server that is ready to hand idle connections over (`auto`), or keeps its promise (`promise`).
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { importCore } from './core.ts'
import { KEEP_ALIVE } from './keep-alive.ts'
import { tell } from './probe.ts'

const [idle, address] = process.argv.slice(2) as ['auto' | 'promise', string]
// Set before core is loaded, which reads it once.
process.env.NOTIFY_SOCKET = address
const { serve } = await importCore()

let requests = 0
const server = createServer((_request, response) => {
  requests += 1
  response.end('hello\n')
})
server.keepAliveTimeout = KEEP_ALIVE
await serve(server, { port: 0, drain: { idle } })
tell((server.address() as AddressInfo).port, () => requests)
