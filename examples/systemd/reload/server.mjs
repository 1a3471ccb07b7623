import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { onReload, serve } from '@socket-port/core'

const file = new URL('greeting.txt', import.meta.url)
let greeting = readFileSync(file, 'utf8')
// A certificate is read again in the same way: server.setSecureContext({ key, cert }).
onReload(() => {
  greeting = readFileSync(file, 'utf8')
})

const server = createServer((request, response) => {
  response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
  response.end(greeting)
})
const { url, source } = await serve(server, { port: process.env.PORT ?? 8080, fdStore: true })
console.log(`${url} (${source})`)
