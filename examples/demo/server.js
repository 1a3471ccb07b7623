// Echoes what it is sent, with core: it drains on SIGTERM.
import { serve } from '@socket-port/core'
import { createEcho } from './echo.js'

// Without a port it takes the only socket that was passed.
const { port } = await serve(createEcho(), {})
console.log(JSON.stringify({ ready: true, port }))
