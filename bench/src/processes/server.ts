// The server under test: with `serve`, or with plain `listen` and alike in everything else.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { importCore } from './core.ts'
import { tell } from './probe.ts'

let requests = 0
const server = createServer((_request, response) => {
  requests += 1
  response.end('hello\n')
})
// Idle connections must outlive the measurement.
server.keepAliveTimeout = 600_000

if (process.argv[2] === 'serve') {
  const { serve } = await importCore()
  await serve(server, 0)
} else {
  await once(server.listen(0), 'listening')
}
tell((server.address() as AddressInfo).port, () => requests)
