import { serve } from '@socket-port/core'
import { echoServer, ready } from './echo.ts'

// The port of the socket that was passed does not matter: it is the only one.
await serve(echoServer(), { inherit: 'require', drain: { successor: 'running' } })
ready()
