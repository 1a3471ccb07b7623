// As CommonJS that TypeScript writes, with esModuleInterop.
import Koa, { type Context, HttpError } from '@socket-port/koa'

const app: Koa = new Koa({ socketPort: { name: 'app' } })
app.use((context: Context) => {
  context.body = String(new Error() instanceof HttpError)
})
app.use((context: Koa.Context, next: Koa.Next) => {
  context.assert(context.path, 404)
  return next()
})
app.listen(8080)
