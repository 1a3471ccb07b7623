import stoppable from 'stoppable'
import { echoServer, listenOnFd3 } from './echo.ts'

const server = stoppable(echoServer())
process.once('SIGTERM', () => server.stop(() => process.exit()))
listenOnFd3(server)
