import { onShutdown } from '@socket-port/core'
import express from '@socket-port/express'

const app = express()

app.get('/', (request, response) => {
  response.set('x-request-id', request.get('x-request-id') ?? '')
  response.send(`hello from process ${process.pid}\n`)
})

// After the last connection: the place to close a database.
onShutdown((reason) => console.log(`closed (${reason})`))

const server = app.listen(process.env.PORT ?? 8080, (error) => {
  if (error) throw error
  console.log(`http://localhost:${server.address().port}`)
})
