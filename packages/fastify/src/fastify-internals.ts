import type { FastifyInstance, RawServerBase } from 'fastify'

// The symbols under which Fastify keeps its internals (lib/symbols.js, 5.0 to 5.12). No public API gives access to them.
const BINDINGS = 'fastify.serverBindings'
const HOOKS = 'fastify.hooks'
const CHILDREN = 'fastify.children'
const OPTIONS = 'fastify.options'

/**
 * Calls `tell` with each server that Fastify opens for another address of `localhost`, as soon as it listens. Returns false if
 * this version of Fastify keeps no list of them.
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

/** Whether the program creates the server of the application itself (`serverFactory`). */
export function hasOwnServer(fastify: FastifyInstance): boolean {
  const options = internal(fastify, OPTIONS) as { serverFactory?: unknown } | undefined
  return typeof options?.serverFactory === 'function'
}

/** A hook, and the instance that it was added to. */
export interface PreCloseHook {
  readonly instance: FastifyInstance
  readonly run: (this: FastifyInstance, done?: (error?: Error) => void) => unknown
}

// The hooks of @fastify/websocket 11: they close each client, with no code and in one tick, and refuse new ones.
const WEBSOCKET_HOOKS = ['removeUpgradeListener', 'defaultPreClose']

/**
 * Takes the preClose hooks away from the application, in the order in which Fastify would run them. Those of
 * `@fastify/websocket` stay, because core closes WebSockets; a `preClose` that the program gave it is taken.
 */
export const takePreCloseHooks = (fastify: FastifyInstance): PreCloseHook[] =>
  preCloseHooksOf(rootOf(fastify))

/** The application itself, where the plugin is registered inside another one. */
export function rootOf(fastify: FastifyInstance): FastifyInstance {
  let root = fastify
  for (;;) {
    const parent: FastifyInstance = Object.getPrototypeOf(root)
    if (internal(parent, HOOKS) === undefined) return root
    root = parent
  }
}

function preCloseHooksOf(instance: FastifyInstance): PreCloseHook[] {
  const hooks = (internal(instance, HOOKS) as { preClose?: PreCloseHook['run'][] })?.preClose ?? []
  const children = (internal(instance, CHILDREN) ?? []) as FastifyInstance[]
  const all = hooks.splice(0)
  const stays = ({ name }: PreCloseHook['run']): boolean =>
    'websocketServer' in instance && WEBSOCKET_HOOKS.includes(name)
  hooks.push(...all.filter(stays))
  return [
    ...all.filter((run) => !stays(run)).map((run) => ({ instance, run })),
    ...children.flatMap((child) => preCloseHooksOf(child)),
  ]
}

// Looks in the prototypes too: if the plugin is registered inside another one, the application is a prototype of `instance`.
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
