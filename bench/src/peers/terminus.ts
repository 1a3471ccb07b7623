import { createTerminus } from '@godaddy/terminus'
import { echoServer, listenOnFd3 } from './echo.ts'

const server = echoServer()
createTerminus(server, { signal: 'SIGTERM' })
listenOnFd3(server)
