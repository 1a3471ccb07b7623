import type { ServerHttp2Session } from 'node:http2'
import type { AnyServer } from '../types.ts'
import { isHttp2Server } from './server-kind.ts'

/** The HTTP/2 sessions of one server; none for any other server. */
export class Http2Sessions {
  readonly #server: AnyServer
  readonly #open = new Set<ServerHttp2Session>()
  #draining = false

  constructor(server: AnyServer) {
    this.#server = server
    if (isHttp2Server(server)) server.on('session', this.#onSession)
  }

  /** Sends GOAWAY to every session: streams that have begun finish, and then it closes. */
  drain(): void {
    this.#draining = true
    for (const session of this.#open) session.close()
  }

  stop(): void {
    this.#server.off('session', this.#onSession)
  }

  readonly #onSession = (session: ServerHttp2Session): void => {
    this.#open.add(session)
    session.once('close', () => this.#open.delete(session))
    // Closed before its first stream, a session that was just opened would refuse its request.
    if (this.#draining) session.once('stream', () => session.close())
  }
}
