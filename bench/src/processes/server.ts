// Argument: `serve`, or anything else for plain `listen`. Runs the measured server, which is otherwise the same.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { importCore } from './core.ts'
import { KEEP_ALIVE } from './keep-alive.ts'
import { tell } from './probe.ts'

let requests = 0
const server = createServer((_request, response) => {
  requests += 1
  response.end('hello\n')
})
server.keepAliveTimeout = KEEP_ALIVE

if (process.argv[2] === 'serve') {
  const { serve } = await importCore()
  await serve(server, 0)
} else {
  await once(server.listen(0), 'listening')
}
tell((server.address() as AddressInfo).port, () => requests)
