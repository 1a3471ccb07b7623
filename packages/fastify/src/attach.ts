import type { AttachOptions, AttachParts } from '@socket-port/core/adapter'
import type { FastifyInstance } from 'fastify'
import { Servers } from './servers.ts'

/**
 * Attaches to the servers of a Fastify application before it is ready. The plugin uses it, and so do adapters of frameworks that
 * run on Fastify.
 *
 * @throws {SocketPortError} As `attach` of `@socket-port/core`.
 */
export function attachFastify(
  fastify: FastifyInstance,
  options: AttachOptions,
  parts?: AttachParts,
): Servers {
  const servers = new Servers(fastify, options, parts)
  // Without this hook, an application that is closed before `listen` would listen nevertheless.
  fastify.addHook('onClose', function drain() {
    return servers.drain()
  })
  return servers
}
