// What a program for Koa says, with nothing changed but the import.
import type { Server } from 'node:http'
import Koa, {
  type Application,
  type Context,
  createHttpError,
  HttpError,
  isHttpError,
  type Middleware,
  type Next,
  type ParameterizedContext,
} from '@socket-port/koa'
import base from 'koa'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function isTrue<_T extends true>(): void {}

interface State {
  user: string
}
interface Extras {
  log(message: string): void
}

const app = new Koa()
const plain: base = app
const ours: Koa = new base()
const chained: Koa = new Koa().use(async (_context, next) => next())
isTrue<Same<typeof Application, typeof Koa>>()

async function log(context: Context, next: Next): Promise<void> {
  await next()
  context.set('x-app', String(context.app === chained))
}
const timed: Middleware = async (context, next) => {
  await next()
  context.body = { path: context.path }
}
const typed: Koa.Middleware<State, Extras> = (context) => {
  isTrue<Same<typeof context.state, State>>()
  context.log(context.state.user)
}
function show(context: ParameterizedContext<State>): void {
  context.throw(404, context.state.user)
}
app.use(log).use(timed).use<State>(show)
const generic = new Koa<State, Extras>({ proxy: true, keys: ['secret'] })
generic.use(typed)
isTrue<Same<typeof generic.context, base<State, Extras>['context']>>()
generic.on('error', (error: unknown, context: Koa.Context) => {
  if (error instanceof Koa.HttpError || error instanceof HttpError) context.status = error.status
  if (isHttpError(error)) context.status = error.status
  context.app.emit('error', createHttpError(500, 'again'))
})

class Larger extends Koa<State> {
  override listen(...args: unknown[]): Server {
    return Reflect.apply(super.listen, this, args)
  }
}
new Larger({ env: 'test' }).listen(8080)

const server = app.listen(8080, () => console.log('listening'))
isTrue<Same<typeof server, Server>>()
isTrue<Same<typeof app.listen, base['listen']>>()
plain.listen()
ours.listen({ port: 8080, exclusive: true }, () => {})

new Koa({ proxy: true, socketPort: { drain: { timeout: 10_000 }, name: 'app', logger: console } })
const options: import('@socket-port/koa').ApplicationOptions = { socketPort: { inherit: 'never' } }
new Koa(options)
// @ts-expect-error the port is said to listen
new Koa({ socketPort: { port: 8080 } })
// @ts-expect-error an option that does not exist
new Koa({ socketPort: { drian: {} } })
// @ts-expect-error an option that Koa does not have
new Koa({ prxy: true })
