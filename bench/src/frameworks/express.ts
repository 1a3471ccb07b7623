import { once } from 'node:events'
import { HOST, type StartFramework } from './framework.ts'

export const startExpress: StartFramework = async (attached, hello) => {
  const { default: express } = await (attached ? import('@socket-port/express') : import('express'))
  const app = express()
  app.get('/', (_request, response) => {
    response.send(hello())
  })
  const server = app.listen(0, HOST)
  await once(server, 'listening')
  return server
}
