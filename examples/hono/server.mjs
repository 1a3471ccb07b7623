import { createAdaptorServer } from '@hono/node-server'
import { onShutdown, serve } from '@socket-port/core'
import { Hono } from 'hono'

const app = new Hono()

app.get('/', (context) => {
  context.header('x-request-id', context.req.header('x-request-id'))
  return context.text(`hello from process ${process.pid}\n`)
})

// After the last connection: the place to close a database.
onShutdown((reason) => console.log(`closed (${reason})`))

const { url, source } = await serve(createAdaptorServer(app), process.env.PORT ?? 8080)
console.log(`${url} (${source})`)
