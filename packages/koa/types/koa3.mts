// What only the types of Koa 3 have.
import { AsyncLocalStorage } from 'node:async_hooks'
import Koa, { type DefaultContext } from '@socket-port/koa'

const app = new Koa({ asyncLocalStorage: new AsyncLocalStorage<DefaultContext>() })
app.use((context) => context.back('/'))
