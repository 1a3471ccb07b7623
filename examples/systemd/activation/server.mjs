import { createServer } from 'node:http'
import { serve } from '@socket-port/core'

const answering = (name) =>
  createServer((request, response) => {
    response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
    response.end(`${name} by process ${process.pid}\n`)
  })

// By port: app.socket passes the one that PORT names.
const app = await serve(answering('app'), process.env.PORT ?? 8080)
// By name: whatever port FileDescriptorName=admin has in app-admin.socket.
const admin = await serve(answering('admin'), { name: 'admin' })

for (const { url, source } of [app, admin]) console.log(`${url} (${source})`)
