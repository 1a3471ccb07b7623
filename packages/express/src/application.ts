import { createServer, type RequestListener, type Server } from 'node:http'
import { type AttachOptions, attach } from '@socket-port/core/adapter'
import base, { type Express } from 'express'

// Express 5 calls the callback of `listen` for an error too; Express 4, which still has
// `express.query`, only once it listens (lib/application.js of both).
const REPORTS_ERRORS = !('query' in base)

/** Creates an Express application whose `listen` opens a server that core is attached to. */
export function createApplication(options: AttachOptions | undefined): Express {
  const app = base()
  // Set on this application alone: all others share the method of `express.application`.
  app.listen = function listen(this: RequestListener, ...args: unknown[]): Server {
    const server = createServer(this)
    const { logger } = attach(server, options)
    const callback = args.at(-1)
    if (REPORTS_ERRORS && typeof callback === 'function') {
      const done = once(callback as ListenCallback)
      // With a callback, Express reports the error nowhere else. A callback without a parameter ignores it, and the process
      // would exit with 0: so log it.
      server.once('error', (error) => {
        if (callback.length === 0 && server.listenerCount('error') === 0)
          logger.error(error.message)
        Reflect.apply(done, server, [error])
      })
      args.splice(-1, 1, done)
    }
    return Reflect.apply(server.listen, server, args)
  }
  return app
}

type ListenCallback = (this: Server, error?: Error) => void

function once(callback: ListenCallback): ListenCallback {
  let called = false
  return function (...args) {
    if (called) return
    called = true
    Reflect.apply(callback, this, args)
  }
}
