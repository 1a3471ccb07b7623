// As CommonJS that TypeScript writes, with esModuleInterop.
import express, { type Request, Router } from '@socket-port/express'

const app: express.Express = express({ name: 'app' })
const router: Router = Router()
app.use(express.json(), router)
app.get('/', (request: Request, response: express.Response) => {
  response.send(request.path)
})
app.listen(8080)
