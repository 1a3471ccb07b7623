import type { ServerHttp2Session } from 'node:http2'
import type { AnyServer } from '../../base/types.ts'
import { isHttp2Server } from '../../node/server-kind.ts'

/** The HTTP/2 sessions of one server; none for any other server. */
export class Http2Sessions {
  readonly #server: AnyServer
  readonly #open = new Set<ServerHttp2Session>()
  /** Milliseconds that a session without a stream may last while the server drains. */
  #patience: number | undefined

  constructor(server: AnyServer) {
    this.#server = server
    if (isHttp2Server(server)) server.on('session', this.#onSession)
  }

  /**
   * Sends GOAWAY to every session: streams that have begun finish, and then it closes. A session that
   * opens later closes after its first stream, or after `patience` milliseconds without one.
   */
  drain(patience: number): void {
    this.#patience = patience
    for (const session of this.#open) session.close()
  }

  stop(): void {
    this.#server.off('session', this.#onSession)
  }

  readonly #onSession = (session: ServerHttp2Session): void => {
    this.#open.add(session)
    session.once('close', () => this.#open.delete(session))
    if (this.#patience === undefined) return
    // A session that is closed before its first stream would refuse its first request.
    const close = (): void => session.close()
    const timer = setTimeout(close, this.#patience)
    session.once('stream', close).once('close', () => clearTimeout(timer))
  }
}
