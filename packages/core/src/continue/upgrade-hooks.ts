import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { AnyServer } from '../base/types.ts'
import { checkServer } from '../base/validate.ts'

/** Called for each connection that is upgraded, before the listeners of the program. */
export type UpgradeHook = (request: IncomingMessage, socket: Socket) => void

// Symbol.for: the server may be served by another copy of this package.
const HOOKS: unique symbol = Symbol.for('@socket-port/core/upgrade-hooks/1')

type HookedServer = AnyServer & { [HOOKS]?: Set<UpgradeHook> }

/**
 * Calls back for each `'upgrade'` and `'connect'` of HTTP/1.1 of a server that is served, before the listeners of the
 * program and before a drain looks at the connection: the place to call `handOverConnection`. It is no listener of
 * the server, which would tell Node that the program upgrades connections. Returns a function that removes the hook.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION for what is no server
 */
export function beforeUpgrade(server: AnyServer, hook: UpgradeHook): () => void {
  checkServer(server)
  const hooked: HookedServer = server
  hooked[HOOKS] ??= new Set()
  const hooks = hooked[HOOKS]
  hooks.add(hook)
  return () => void hooks.delete(hook)
}

/** Calls the hooks of the server. */
export function callUpgradeHooks(
  server: AnyServer,
  request: IncomingMessage,
  socket: Socket,
): void {
  for (const hook of (server as HookedServer)[HOOKS] ?? []) hook(request, socket)
}
