// The same server, but it binds its port itself, as most servers do.
import { createEcho } from './echo.js'

const server = createEcho()
server.listen(Number(process.argv[2]), () => console.log(JSON.stringify({ ready: true })))
process.once('SIGTERM', () => server.close(() => process.exit()))
