import gracefulShutdown from 'http-graceful-shutdown'
import { echoServer, listenOnFd3 } from './echo.ts'

const server = echoServer()
gracefulShutdown(server)
listenOnFd3(server)
