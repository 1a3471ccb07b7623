import { Agent, createServer } from 'node:http'
import httpProxy from 'http-proxy'

const upstream = createServer((request, response) => {
  if (request.method === 'POST') request.pipe(response)
  else response.end('hello\n')
})
upstream.listen(0, '127.0.0.1', () => {
  const target = `http://127.0.0.1:${upstream.address().port}`
  // Without an agent that keeps connections, http-proxy closes those of the clients after each response.
  const agent = new Agent({ keepAlive: true })
  httpProxy.createProxyServer({ target, agent }).listen(Number(process.env.PORT ?? 3000))
})
