import type { AnyServer } from './types.ts'
import { checkServer } from './validate.ts'

type Hooked<H> = AnyServer & { [key: symbol]: Set<H> | undefined }

/**
 * Keeps a hook on a server, under a symbol that all copies of this package share. Returns a function that removes it.
 * Throws ERR_SOCKET_PORT_INVALID_OPTION for what is no server.
 */
export function addHook<H>(server: AnyServer, key: symbol, hook: H): () => void {
  checkServer(server)
  const hooked = server as Hooked<H>
  const hooks = hooked[key] ?? new Set()
  hooked[key] = hooks
  hooks.add(hook)
  return () => void hooks.delete(hook)
}

export const hooksOf = <H>(server: AnyServer, key: symbol): Iterable<H> =>
  (server as Hooked<H>)[key] ?? []
