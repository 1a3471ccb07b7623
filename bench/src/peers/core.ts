import { serve } from '@socket-port/core'
import { echoServer, ready } from './echo.ts'

const [port = '0'] = process.argv.slice(2)
await serve(echoServer(), { port, inherit: 'require', drain: { successor: 'running' } })
ready()
