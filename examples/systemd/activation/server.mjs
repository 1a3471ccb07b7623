import { createServer } from 'node:http'
import { serve } from '@socket-port/core'

const answering = (name) =>
  createServer((request, response) => {
    response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
    response.end(`${name} by process ${process.pid}\n`)
  })

// Takes the socket with this port, which app.socket passes.
const app = await serve(answering('app'), process.env.PORT ?? 8080)
// Takes the socket with this name (FileDescriptorName= in app-admin.socket), whatever its port.
const admin = await serve(answering('admin'), { name: 'admin' })

for (const { url, source } of [app, admin]) console.log(`${url} (${source})`)
