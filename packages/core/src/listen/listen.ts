import { createServer, Server as NetServer } from 'node:net'
import { onceClosed } from '../base/own-listener.ts'
import type { AnyServer } from '../base/types.ts'
import { checkNoMore, checkServer } from '../base/validate.ts'
import { takeInherited } from './inherit.ts'
import { type ListenTarget, resolveListen } from './options.ts'
import { StartAbort } from './start-abort.ts'
import { startListening } from './start-listening.ts'

/**
 * Lets the server listen on the inherited socket that fits, or else on one that is bound here. Without a
 * server it returns a listening `net.Server`.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_… for wrong arguments, …_AMBIGUOUS,
 * …_NOT_INHERITED, …_ALREADY_LISTENING; bind errors keep Node's code (`EADDRINUSE`, …).
 */
export function listen(target: ListenTarget): Promise<NetServer>
export function listen<S extends AnyServer>(server: S, target: ListenTarget): Promise<S>
export async function listen(
  serverOrTarget: AnyServer | ListenTarget,
  target?: ListenTarget,
  ...more: unknown[]
): Promise<AnyServer> {
  checkNoMore('listen', typeof target === 'function' ? [target] : more)
  if (target !== undefined) checkServer(serverOrTarget)
  const bare = !(serverOrTarget instanceof NetServer)
  const server = bare ? createServer() : serverOrTarget
  const request = resolveListen((bare ? serverOrTarget : target) as ListenTarget)
  await startListening(server, { ...request, abort: new StartAbort() })
  if (request.signal !== undefined) closeOnAbort(server, request.signal)
  return server
}

/**
 * Returns a close-on-exec duplicate of the inherited socket that fits; `undefined` if there is none. The
 * caller owns it. The socket stays taken until the process ends.
 *
 * @throws {SocketPortError} As {@link listen}, but nothing is ever bound.
 */
export function listenFd(target: ListenTarget): number | undefined {
  return takeInherited(resolveListen(target))?.fd
}

/** Closes a server once the signal of the program is aborted. `close` does it. */
export function closeOnAbort(
  server: AnyServer,
  signal: AbortSignal,
  close: () => void = () => void server.close(),
): void {
  signal.addEventListener('abort', close, { once: true })
  onceClosed(server, () => signal.removeEventListener('abort', close))
  // A listener of 'listening' may have aborted it before: the event is over then.
  if (signal.aborted) close()
}
