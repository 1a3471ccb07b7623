import { createHttpTerminator } from 'http-terminator'
import { echoServer, listenOnFd3 } from './echo.ts'

const server = echoServer()
const terminator = createHttpTerminator({ server })
process.once('SIGTERM', async () => {
  await terminator.terminate()
  process.exit()
})
listenOnFd3(server)
