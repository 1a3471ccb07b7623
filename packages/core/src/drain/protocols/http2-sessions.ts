import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { ownListener } from '../../base/own-listener.ts'
import type { AnyServer } from '../../base/types.ts'
import { isHttp2Server } from '../../node/server-kind.ts'
import { closerOf } from './on-upgraded.ts'
import type { UpgradedConnection } from './upgraded-connections.ts'
import { followWebSocketStream } from './web-socket.ts'

/**
 * The open HTTP/2 sessions of one server, and facts that only the request of a stream tells, noted when it comes.
 * Empty for a server of another protocol.
 */
export class Http2Sessions implements Iterable<ServerHttp2Session> {
  /** Called for each new session; set while the server drains. */
  listener: ((session: ServerHttp2Session) => void) | undefined
  readonly #server: AnyServer
  readonly #open = new Set<ServerHttp2Session>()
  readonly #upgraded = new WeakMap<ServerHttp2Stream, UpgradedConnection>()
  /** The streams without a body whose client does not repeat its request by itself. */
  readonly #bodiless = new WeakSet<ServerHttp2Stream>()

  constructor(server: AnyServer) {
    this.#server = server
    if (!isHttp2Server(server)) return
    server.on('session', this.#onSession)
    // Before the program's listener, which may write to the stream.
    server.prependListener('stream', this.#onStream)
  }

  [Symbol.iterator](): IterableIterator<ServerHttp2Session> {
    return this.#open.values()
  }

  /** What was noted of a stream of CONNECT; `undefined` for any other stream. */
  upgraded(stream: ServerHttp2Stream): UpgradedConnection | undefined {
    return this.#upgraded.get(stream)
  }

  /** Whether the request of the stream was GET. */
  isGet(stream: ServerHttp2Stream): boolean {
    return stream.endAfterHeaders && !this.#bodiless.has(stream)
  }

  stop(): void {
    this.#server.off('session', this.#onSession).off('stream', this.#onStream)
    this.listener = undefined
  }

  readonly #onSession = (session: ServerHttp2Session): void => {
    this.#open.add(session)
    session.once('close', () => this.#open.delete(session))
    this.listener?.(session)
  }

  readonly #onStream = ownListener(
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
      const { ':method': method } = headers
      if (method === 'GET') return
      if (method === 'CONNECT') this.#upgraded.set(stream, this.#note(stream, headers))
      else if (stream.endAfterHeaders) this.#bodiless.add(stream)
    },
  )

  #note(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): UpgradedConnection {
    const { ':path': url, ':protocol': protocol } = headers
    const request = { httpVersionMajor: 2, method: 'CONNECT', url, headers } as const
    const closer = closerOf(this.#server, stream, request)
    if (protocol === undefined) return { carries: 'tunnel', webSocket: undefined, closer }
    if (protocol !== 'websocket') {
      return { carries: 'upgraded connection', webSocket: undefined, closer }
    }
    return { carries: 'WebSocket', webSocket: followWebSocketStream(stream), closer }
  }
}
