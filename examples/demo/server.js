// Echoes what it is sent, with core: it drains on SIGTERM, and the next process continues its WebSockets and event streams.
import { handOverEventStream, serve } from '@socket-port/core'
import { handOverWebSockets } from '@socket-port/ws'
import { createEcho } from './echo.js'

const server = createEcho(handOverEventStream)
handOverWebSockets(server)
// Without a port it takes the only socket that was passed.
const { port } = await serve(server, {})
console.log(JSON.stringify({ ready: true, port }))
