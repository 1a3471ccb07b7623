import { serve } from '@socket-port/core'
import { echoServer, ready } from './echo.ts'

// Names no port, so core takes the only socket that was passed.
await serve(echoServer(), { inherit: 'require', drain: { successor: 'running' } })
ready()
