import type { ServerHttp2Session } from 'node:http2'
import type { AnyServer } from '../../base/types.ts'
import { isHttp2Server } from '../../node/server-kind.ts'

/** The open HTTP/2 sessions of one server, noted from its start; none for any other server. */
export class Http2Sessions implements Iterable<ServerHttp2Session> {
  /** Called for each new session; set while the server drains. */
  listener: ((session: ServerHttp2Session) => void) | undefined
  readonly #server: AnyServer
  readonly #open = new Set<ServerHttp2Session>()

  constructor(server: AnyServer) {
    this.#server = server
    if (isHttp2Server(server)) server.on('session', this.#onSession)
  }

  [Symbol.iterator](): IterableIterator<ServerHttp2Session> {
    return this.#open.values()
  }

  stop(): void {
    this.#server.off('session', this.#onSession)
    this.listener = undefined
  }

  readonly #onSession = (session: ServerHttp2Session): void => {
    this.#open.add(session)
    session.once('close', () => this.#open.delete(session))
    this.listener?.(session)
  }
}
