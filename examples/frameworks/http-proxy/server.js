import { createServer } from 'node:http'
import httpProxy from 'http-proxy'

const upstream = createServer((request, response) => {
  if (request.method === 'POST') request.pipe(response)
  else response.end('hello\n')
})
// Port 0 is never taken for the public one.
upstream.listen(0, '127.0.0.1', () => {
  const target = `http://127.0.0.1:${upstream.address().port}`
  httpProxy.createProxyServer({ target }).listen(Number(process.env.PORT ?? 3000))
})
