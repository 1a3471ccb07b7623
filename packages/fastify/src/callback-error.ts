import type { Logger } from '@socket-port/core/adapter'
import type { FastifyInstance } from 'fastify'
import { rootOf } from './fastify-internals.ts'

type Callback = (error: Error | null, address: string) => void

/**
 * Logs why the application does not listen, where only a callback without parameters hears of it: Fastify ends the error
 * there, the callback says that the server is up, and the process exits with 0. It cannot see a `listen` that is called
 * before the plugin has been loaded.
 */
export function watchCallback(fastify: FastifyInstance, logger: Logger): void {
  const root = rootOf(fastify)
  const { listen } = root
  const replaced = (...args: unknown[]): unknown => {
    const callback = args[1]
    if (typeof callback === 'function' && callback.length === 0) {
      const told: Callback = (error, address) => {
        if (error !== null && fastify.server.listenerCount('error') === 0)
          logger.error(error.message)
        return callback(error, address)
      }
      // Fastify warns of a callback that is an async function.
      args[1] = Object.setPrototypeOf(told, Object.getPrototypeOf(callback))
    }
    return Reflect.apply(listen, root, args)
  }
  root.listen = replaced as FastifyInstance['listen']
}
