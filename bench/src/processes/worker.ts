// Arguments: HOW (`serve`, or `plain` under node:cluster and pm2) PORT. Runs one worker of a worker pool.
import { createServer } from 'node:http'

const [how, port = '0'] = process.argv.slice(2)
const BUSY_MS = 20

const server = createServer((request, response) => {
  if (request.url === '/busy') spin()
  response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
  response.end(request.url === '/who' ? String(process.pid) : 'hello\n')
})
// Longer than the pause of a client while the other pools are measured.
server.keepAliveTimeout = 60_000

if (how === 'serve') {
  const { serve } = await import('@socket-port/core')
  await serve(server, { inherit: 'require' })
} else {
  // Stops and reports readiness as pm2 documents it. node:cluster needs neither.
  process.once('SIGINT', () => server.close(() => process.exit()))
  server.listen(Number(port), () => process.send?.('ready'))
}

function spin(): void {
  const end = performance.now() + BUSY_MS
  while (performance.now() < end);
}
