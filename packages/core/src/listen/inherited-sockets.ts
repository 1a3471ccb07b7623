import type { InheritedSocket, Logger } from '../base/types.ts'
import { type Checks, type Complete, logger, resolveOptions } from '../base/validate.ts'
import { listInherited } from './socket-registry.ts'

export interface InheritedSocketsOptions {
  /** @default warnings and errors to stderr, the rest through `NODE_DEBUG=socket-port` */
  logger?: Logger | undefined
}

const OPTIONS: Checks<Complete<InheritedSocketsOptions>> = { logger }

/**
 * Lists every socket that was passed to this process, usable or not, taken or not; takes none. As with
 * `listen`, the first call removes the `LISTEN_*` variables from the environment.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, …_UNKNOWN_OPTION
 */
export function inheritedSockets(options: InheritedSocketsOptions = {}): InheritedSocket[] {
  return listInherited(resolveOptions(options, OPTIONS, 'inheritedSockets').logger)
}
