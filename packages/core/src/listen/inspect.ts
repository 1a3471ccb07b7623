import { checkOptions, resolveLogger } from '../base/options.ts'
import type { InheritedSocket, Logger } from '../base/types.ts'
import { inherited } from './inherited-sockets.ts'

export interface InspectOptions {
  /** @default warnings and errors to stderr, the rest through `NODE_DEBUG=socket-port` */
  logger?: Logger | undefined
}

/**
 * Lists every socket that was passed to this process, usable or not, taken or not; takes none.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, …_UNKNOWN_OPTION
 */
export function inspect(options: InspectOptions = {}): InheritedSocket[] {
  checkOptions(options, ['logger'], 'inspect')
  return inherited(resolveLogger(options.logger))
}
