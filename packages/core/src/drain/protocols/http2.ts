import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { AnyServer } from '../../base/types.ts'
import { letClientEnd, openStreams, sessionOn, socketOf } from '../../node/http2-session.ts'
import { isHttp2Server } from '../../node/server-kind.ts'
import { LOOK_EVERY } from './event-stream.ts'
import { atGoodMoment, whenAllIsRead } from './http2-moment.ts'
import { closeAfterNotice } from './http2-notice.ts'
import type { Http2Sessions } from './http2-sessions.ts'
import { LongLivedStreams } from './http2-streams.ts'
import type { Carries, DrainContext, Protocol } from './protocol.ts'
import { UnendedConnections } from './unended-connections.ts'

/** The longest time in milliseconds to wait for a good moment. Then a session is closed in any case. */
const LATEST = 3_000

/** How long in milliseconds a client must have asked for nothing, so that its session is closed. */
const QUIET = 1_000

/** How long in milliseconds a client has to end the connection itself after its last response. */
const CLIENT_ENDS = 250

/**
 * HTTP/2. Each session is asked to leave when the drain begins, a new one at its first stream: it is sent GOAWAY, its
 * streams finish, and then it closes by itself.
 */
export class Http2 implements Protocol {
  // It takes seconds until all sessions were asked to leave. A client that has left must not wait that long for the next
  // process, so new connections are accepted.
  readonly acceptsNew: boolean
  readonly #sessions: Http2Sessions
  readonly #context: DrainContext
  readonly #deadline: number
  readonly #asked = new WeakSet<ServerHttp2Session>()
  readonly #known = new WeakSet<ServerHttp2Stream>()
  readonly #longLived: LongLivedStreams
  readonly #unended: UnendedConnections
  #checks: NodeJS.Timeout | undefined

  constructor(server: AnyServer, sessions: Http2Sessions, context: DrainContext) {
    this.acceptsNew = isHttp2Server(server)
    this.#sessions = sessions
    this.#context = context
    this.#longLived = new LongLivedStreams(sessions, context)
    this.#unended = new UnendedConnections(context.idleTimeout, (socket) => context.expire(socket))
    this.#deadline = performance.now() + context.timeout
    for (const session of sessions) this.#ask(session)
    sessions.listener = (session) => this.#askAtFirstStream(session)
  }

  speaks(socket: Socket): boolean {
    return this.acceptsNew ? !negotiatedHttp1(socket) : sessionOn(socket) !== undefined
  }

  stateOf(): 'unknown' {
    return 'unknown'
  }

  carries(): 'HTTP/2 session' {
    return 'HTTP/2 session'
  }

  streams(socket: Socket): Carries[] {
    const session = sessionOn(socket)
    return session === undefined ? [] : this.#longLived.carriedBy(session)
  }

  // The sessions of an HTTP/2 server were asked already. Another server may pass its connections to one that this
  // package does not know, as a program of @grpc/grpc-js does with `createConnectionInjector`.
  askToLeave(socket: Socket): void {
    if (this.acceptsNew) return
    const session = sessionOn(socket)
    if (session !== undefined) this.#ask(session)
  }

  mayTransfer(): boolean {
    return false
  }

  isEndless(socket: Socket): boolean {
    const session = sessionOn(socket)
    return session !== undefined && this.#longLived.areLeftToProgram(session)
  }

  stop(): void {
    this.#sessions.listener = undefined
    clearInterval(this.#checks)
  }

  #ask(session: ServerHttp2Session): void {
    if (this.#asked.has(session)) return
    this.#asked.add(session)
    this.#watch(session)
    for (const stream of openStreams(session)) this.#follow(stream)
    session.on('stream', (stream) => this.#follow(stream))
    if (this.#context.quick) this.#close(session)
    else this.#closeInTime(session)
  }

  #watch(session: ServerHttp2Session): void {
    const socket = socketOf(session)
    if (socket !== undefined) this.#unended.add(socket)
    this.#checks ??= setInterval(() => {
      this.#longLived.look()
      this.#unended.look()
    }, LOOK_EVERY)
  }

  #closeInTime(session: ServerHttp2Session): void {
    letClientEnd(session, () => this.#atMost(CLIENT_ENDS))
    const latest = this.#atMost(LATEST)
    const isLongLived = (stream: ServerHttp2Stream): boolean => this.#longLived.has(stream)
    const moment = { quiet: QUIET, isLongLived }
    if (session.encrypted !== false) {
      atGoodMoment(session, { ...moment, latest }, () => this.#close(session))
      return
    }
    const third = latest / 3
    const tell = (): void => closeAfterNotice(session, third, () => this.#longLived.told(session))
    whenAllIsRead(session, third, (isRead) => {
      if (isRead) tell()
      else atGoodMoment(session, { ...moment, latest: third }, tell)
    })
  }

  #close(session: ServerHttp2Session): void {
    session.close()
    this.#longLived.told(session)
  }

  /** `time` in milliseconds, but at most half of what is left until the deadline. */
  #atMost(time: number): number {
    return Math.min(time, (this.#deadline - performance.now()) / 2)
  }

  // A session that opens while the server drains. If it were closed before its first stream, it would refuse its
  // first request. Without a stream it lasts for `idleTimeout` milliseconds.
  #askAtFirstStream(session: ServerHttp2Session): void {
    this.#watch(session)
    const timer = setTimeout(() => session.close(), this.#context.idleTimeout)
    session.once('stream', () => this.#ask(session)).once('close', () => clearTimeout(timer))
  }

  #follow(stream: ServerHttp2Stream): void {
    // Node lists a stream a moment before it emits 'stream'.
    if (this.#known.has(stream)) return
    this.#known.add(stream)
    const socket = stream.session && socketOf(stream.session)
    if (socket !== undefined) this.#unended.delete(socket)
    this.#longLived.follow(stream)
    stream.once('close', () => {
      const isResponse = this.#sessions.upgraded(stream) === undefined
      if (isResponse && stream.rstCode === 0) this.#context.answered()
    })
  }
}

// As node:http2 decides (connectionListener in lib/internal/http2/core.js): a client that negotiated
// no protocol gets HTTP/1.1. A socket without TLS has no such property, and always gets HTTP/2.
function negotiatedHttp1(socket: Socket): boolean {
  const { alpnProtocol } = socket as { alpnProtocol?: string | false | null }
  return alpnProtocol === false || alpnProtocol === 'http/1.1'
}
