import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { addHook, hooksOf } from '../base/server-hooks.ts'
import type { AnyServer } from '../base/types.ts'

/** Called for each connection that is upgraded, before the listeners of the program. */
export type UpgradeHook = (request: IncomingMessage, socket: Socket) => void

// Symbol.for: the server may be served by another copy of this package.
const HOOKS = Symbol.for('@socket-port/core/upgrade-hooks/1')

/**
 * Calls back for each `'upgrade'` and `'connect'` of HTTP/1.1 of a server that is served, before the listeners of the
 * program and before a drain looks at the connection: the place to call `handOverConnection`. It is no listener of
 * the server, which would tell Node that the program upgrades connections. Returns a function that removes the hook.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION for what is no server
 */
export const beforeUpgrade = (server: AnyServer, hook: UpgradeHook): (() => void) =>
  addHook(server, HOOKS, hook)

/** Calls the hooks of the server. */
export function callUpgradeHooks(
  server: AnyServer,
  request: IncomingMessage,
  socket: Socket,
): void {
  for (const hook of hooksOf<UpgradeHook>(server, HOOKS)) hook(request, socket)
}
