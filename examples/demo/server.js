// Echoes what it is sent, with core: it drains on SIGTERM.
import { serve } from '@socket-port/core'
import { createEcho } from './echo.js'

const { port } = await serve(createEcho(), 0)
console.log(JSON.stringify({ ready: true, port }))
