import type { FastifyInstance, RawServerBase } from 'fastify'

// Fastify keeps them under a symbol (lib/symbols.js, 5.0 to 5.12); nothing public tells of them.
const BINDINGS = 'fastify.serverBindings'

/**
 * Tells of each server that Fastify opens for one more address of `localhost`, as soon as it
 * listens; false where this Fastify does not let us see them.
 */
export function watchBindings(
  fastify: FastifyInstance,
  tell: (server: RawServerBase) => void,
): boolean {
  const bindings = internal(fastify, BINDINGS)
  if (!Array.isArray(bindings)) return false
  Object.defineProperty(bindings, 'push', {
    value: (...servers: RawServerBase[]) => {
      for (const server of servers) tell(server)
      return Array.prototype.push.apply(bindings, servers)
    },
  })
  return true
}

// Where the plugin is registered inside another one, the application is a prototype.
function internal(instance: object, description: string): unknown {
  let owner: object | null = instance
  while (owner !== null) {
    const symbol = Object.getOwnPropertySymbols(owner).find(
      (own) => own.description === description,
    )
    if (symbol !== undefined) return Reflect.get(owner, symbol)
    owner = Object.getPrototypeOf(owner)
  }
  return undefined
}
