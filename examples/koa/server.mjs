import { onShutdown } from '@socket-port/core'
import Koa from '@socket-port/koa'

const app = new Koa()

app.use((context) => {
  context.set('x-request-id', context.get('x-request-id'))
  context.body = `hello from process ${process.pid}\n`
})

// After the last connection: the place to close a database.
onShutdown((reason) => console.log(`closed (${reason})`))

const server = app.listen(process.env.PORT ?? 8080, () => {
  console.log(`http://localhost:${server.address().port}`)
})
