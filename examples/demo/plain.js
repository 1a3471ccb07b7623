// The same server, written as most servers are: on SIGTERM it calls server.close() and exits.
import { createEcho } from './echo.js'

const server = createEcho()
server.listen({ fd: 3 }, () => console.log(JSON.stringify({ ready: true })))
process.once('SIGTERM', () => server.close(() => process.exit()))
