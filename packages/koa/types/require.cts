// As CommonJS in TypeScript's own words.
import Koa = require('@socket-port/koa')

const app: Koa = new Koa({ socketPort: { name: 'app' } })
app.use((context: Koa.Context, next: Koa.Next) => {
  context.body = String(new Error() instanceof Koa.HttpError)
  return next()
})
app.listen(8080)
