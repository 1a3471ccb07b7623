// As CommonJS in TypeScript's own words.
import express = require('@socket-port/express')

const app: express.Express = express({ name: 'app' })
const router: express.Router = express.Router()
app.use(express.json(), router)
app.get('/', (request: express.Request, response: express.Response) => {
  response.send(request.path)
})
app.listen(8080)
