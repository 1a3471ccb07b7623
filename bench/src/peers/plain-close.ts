import { echoServer, listenOnFd3 } from './echo.ts'

const server = echoServer()
process.once('SIGTERM', () => server.close(() => process.exit()))
listenOnFd3(server)
