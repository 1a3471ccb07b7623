import type { AnyServer, ServeOptions, Service } from '../base/types.ts'
import { checkNoMore, checkServer } from '../base/validate.ts'
import type { ListenTarget } from '../listen/options.ts'
import { claimSuccessor } from '../process/successor.ts'
import { resolveServe } from './options.ts'
import { ServerService } from './service.ts'

/**
 * Listens on the inherited or a new socket, and drains on SIGTERM and SIGINT.
 *
 * @throws {SocketPortError} As `listen`; ERR_SOCKET_PORT_SHUTTING_DOWN once a signal has come.
 */
export async function serve<S extends AnyServer>(
  server: S,
  target: ListenTarget<ServeOptions>,
  ...more: never[]
): Promise<Service<S>> {
  checkServer(server)
  checkNoMore('serve', more)
  const options = resolveServe(target)
  claimSuccessor()
  const service = new ServerService(server, options)
  await service.start()
  return service
}
