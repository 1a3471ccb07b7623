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

/** Options of the plugin: those of `attach` in core. The address is an option of `app.listen`. */
export interface SocketPortOptions extends AttachOptions {
  /**
   * @default a child of Fastify's own logger, `app.log`; if that is off, warnings and errors go to stderr, and the rest is
   * shown with `NODE_DEBUG=socket-port`
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

// Recognizes a logger that is off: it has no level, and one empty function for all methods (abstract-logging, in Fastify's
// lib/logger-factory.js).
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
 * @throws {SocketPortError} `register` or `listen` rejects with ERR_SOCKET_PORT_INVALID_OPTION or …_UNKNOWN_OPTION for wrong
 * options, and with …_ALREADY_ATTACHED if the plugin is registered twice. `listen` also rejects as `listen` of core does.
 */
export const socketPort: Plugin & { readonly default: Plugin; readonly socketPort: Plugin } =
  Object.assign(fp(plugin, { fastify: '5.x', name: NAME }), {
    // For CommonJS, where `require` returns this function.
    default: plugin,
    socketPort: plugin,
  })
