import { createServer, type RequestListener, type Server } from 'node:http'
import { type AttachOptions, attach } from '@socket-port/core/adapter'
import base, { type Express } from 'express'

// Express 5 calls the callback of `listen` for an error too; Express 4, which still has
// `express.query`, only once it listens (lib/application.js of both).
const REPORTS_ERRORS = !('query' in base)

/** An application of Express whose own `listen` opens a server that core is attached to. */
export function createApplication(options: AttachOptions | undefined): Express {
  const app = base()
  // On this app alone: every other one shares the method of `express.application`.
  app.listen = function listen(this: RequestListener, ...args: unknown[]): Server {
    const server = createServer(this)
    const { logger } = attach(server, options)
    const callback = args.at(-1)
    if (REPORTS_ERRORS && typeof callback === 'function') {
      const done = once(callback as ListenCallback)
      // Express ends the error here. A callback without a parameter says that the server is up, and the process
      // exits with 0: then nobody else is told.
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
