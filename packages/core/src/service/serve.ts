import { checkNoMore, checkServer, resolveServe, type Target } from '../base/options.ts'
import type { AnyServer, ServeOptions, Service } from '../base/types.ts'
import { ServerService } from './service.ts'

/**
 * Listens on the inherited or a new socket, and drains on SIGTERM and SIGINT.
 *
 * @throws {SocketPortError} As `listen`; ERR_SOCKET_PORT_SHUTTING_DOWN once a signal has come.
 */
export async function serve<S extends AnyServer>(
  server: S,
  target: Target<ServeOptions>,
  ...more: never[]
): Promise<Service<S>> {
  checkServer(server)
  checkNoMore('serve', more)
  const options = resolveServe(target)
  const service = new ServerService(server, options)
  await service.start()
  return service
}
