import type { AttachOptions, Logger, Service } from '@socket-port/core/adapter'
import type { FastifyInstance, FastifyPluginAsync, RegisterOptions } from 'fastify'
import fp from 'fastify-plugin'
import { attachFastify } from './attach.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The application as a service, for readiness probes (`state`) and endless responses
     * (`signal`); `undefined` until it has been told to listen.
     */
    readonly socketPort: Service | undefined
  }
}

/** Options of the plugin: core's, less where to listen, which `app.listen` is told. */
export interface SocketPortOptions extends AttachOptions {
  /**
   * @default a child of Fastify's own, `app.log`; where that is off, warnings and errors go to
   * stderr and the rest to `NODE_DEBUG=socket-port`
   */
  logger?: Logger | undefined
}

const NAME = '@socket-port/fastify'

async function plugin(
  fastify: FastifyInstance,
  options: SocketPortOptions & RegisterOptions,
): Promise<void> {
  const { prefix, logLevel, logSerializers, ...given } = options
  const servers = attachFastify(fastify, { logger: loggerOf(fastify), ...given })
  fastify.decorate('socketPort', { getter: () => servers.service })
}

// A logger that is switched off has no level, and one empty function for every method
// (abstract-logging, in Fastify's lib/logger-factory.js).
function loggerOf({ log }: FastifyInstance): Logger | undefined {
  const off = log.level === undefined && log.warn === log.error
  return off ? undefined : log.child({ plugin: NAME })
}

type Plugin = FastifyPluginAsync<SocketPortOptions>

/**
 * Fastify plugin: `app.listen` inherits or binds its socket, and the application drains before its
 * `onClose` hooks run, in `app.close()` as well as on SIGTERM and SIGINT.
 *
 * @example
 * await app.register(socketPort)
 * await app.listen({ port: 8080 })
 *
 * @throws {SocketPortError} From `register` or `listen`, ERR_SOCKET_PORT_INVALID_OPTION,
 * …_UNKNOWN_OPTION, …_ALREADY_ATTACHED where it is registered twice. `listen` rejects as core's.
 */
export const socketPort: Plugin & { readonly default: Plugin; readonly socketPort: Plugin } =
  Object.assign(fp(plugin, { fastify: '5.x', name: NAME }), {
    // For CommonJS, whose require() returns this function.
    default: plugin,
    socketPort: plugin,
  })
