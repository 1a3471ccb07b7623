import Koa from 'koa'

const app = new Koa()
app.use((context) => {
  context.body = context.path === '/echo' ? context.req : 'hello\n'
})
app.listen(process.env.PORT ?? 3000)
