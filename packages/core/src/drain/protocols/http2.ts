import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { AnyServer } from '../../base/types.ts'
import { isHttp2Server } from '../../node/server-kind.ts'
import type { DrainContext, Protocol } from './protocol.ts'

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

/**
 * HTTP/2. Node tells of sessions, not of connections, so all of them are asked to leave when the drain begins:
 * each is sent GOAWAY, its streams finish, and then it closes by itself.
 */
export class Http2 implements Protocol {
  // Without `allowHTTP1`, new connections are for the next process.
  readonly acceptsNew = false
  readonly #isHttp2: boolean
  readonly #sessions: Http2Sessions

  constructor(server: AnyServer, sessions: Http2Sessions, { idleTimeout }: DrainContext) {
    this.#isHttp2 = isHttp2Server(server)
    this.#sessions = sessions
    for (const session of sessions) session.close()
    sessions.listener = (session) => closeAfterFirstStream(session, idleTimeout)
  }

  speaks(socket: Socket): boolean {
    return this.#isHttp2 && !negotiatedHttp1(socket)
  }

  stateOf(): 'unknown' {
    return 'unknown'
  }

  carries(): 'HTTP/2 session' {
    return 'HTTP/2 session'
  }

  // The session of the connection was asked already.
  askToLeave(): void {}

  mayTransfer(): boolean {
    return false
  }

  isEndless(): boolean {
    return false
  }

  stop(): void {
    this.#sessions.listener = undefined
  }
}

// A session that opens while the server drains. If it were closed before its first stream, it would refuse its
// first request. Without a stream it lasts for `patience` milliseconds.
function closeAfterFirstStream(session: ServerHttp2Session, patience: number): void {
  const close = (): void => session.close()
  const timer = setTimeout(close, patience)
  session.once('stream', close).once('close', () => clearTimeout(timer))
}

// As node:http2 decides (connectionListener in lib/internal/http2/core.js): a client that negotiated
// no protocol gets HTTP/1.1. A socket without TLS has no such property, and always gets HTTP/2.
function negotiatedHttp1(socket: Socket): boolean {
  const { alpnProtocol } = socket as { alpnProtocol?: string | false | null }
  return alpnProtocol === false || alpnProtocol === 'http/1.1'
}
