import type { ManageOptions, ManageParts } from '@socket-port/core'
import type { FastifyInstance } from 'fastify'
import { Servers } from './servers.ts'

export type { Servers } from './servers.ts'

/**
 * Manages the servers of a Fastify application before it is ready: what the plugin is made of, for
 * adapters of frameworks that run on Fastify.
 *
 * @throws {SocketPortError} As `manage` of `@socket-port/core`.
 */
export function manageFastify(
  fastify: FastifyInstance,
  options: ManageOptions,
  parts?: ManageParts,
): Servers {
  const servers = new Servers(fastify, options, parts)
  const drain = (): Promise<void> => servers.drain()
  // What is registered last runs first: before Fastify begins to answer with 503.
  fastify.addHook('onReady', async () => void fastify.addHook('onClose', drain))
  // Closed before it was ready, Fastify would listen nevertheless.
  fastify.addHook('onClose', drain)
  return servers
}
