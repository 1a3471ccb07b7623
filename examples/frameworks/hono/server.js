import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
app.get('/', (context) => context.text('hello\n'))
app.post('/echo', (context) => context.body(context.req.raw.body))
serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) })
