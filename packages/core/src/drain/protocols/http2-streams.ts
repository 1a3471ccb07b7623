import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { LongLivedKind } from '../../base/types.ts'
import { compatResponse, openStreams } from '../../node/http2-session.ts'
import { sentHeader } from '../../node/http2-stream.ts'
import { answerPoll, closingPoll } from './engine-io.ts'
import { EventStreamEnd, endQuietly } from './event-stream.ts'
import type { Http2Sessions } from './http2-sessions.ts'
import type { Carries, DrainContext } from './protocol.ts'
import { endOfUpgraded, kindOf } from './upgraded.ts'

/** What a stream has that does not end by itself. */
interface LongLived {
  /** `undefined`: a poll, which is answered early. */
  readonly carries: Carries | undefined
  readonly kind: LongLivedKind | undefined
  /** `undefined`: only the program can end it. */
  readonly end: (() => void) | undefined
}

interface Followed {
  readonly since: number
  longLived: LongLived | undefined
}

/**
 * The streams of draining HTTP/2 sessions that would not end by themselves: WebSockets and tunnels (CONNECT), event
 * streams, polls of Socket.IO, and any response that outlives `drain.streamTimeout`.
 *
 * Such a stream is asked to leave only after its client was told to open no more streams on the session. Else the
 * client would come back on the same session.
 */
export class LongLivedStreams {
  readonly #sessions: Http2Sessions
  readonly #context: DrainContext
  readonly #followed = new Map<ServerHttp2Stream, Followed>()
  readonly #told = new WeakSet<ServerHttp2Session>()

  constructor(sessions: Http2Sessions, context: DrainContext) {
    this.#sessions = sessions
    this.#context = context
  }

  /** Follows a stream that is open when its session is asked to leave, or was opened since. */
  follow(stream: ServerHttp2Stream): void {
    const followed: Followed = { since: performance.now(), longLived: undefined }
    this.#followed.set(stream, followed)
    stream.once('close', () => {
      this.#followed.delete(stream)
      this.#context.ended(stream)
    })
    this.#look(stream, followed)
  }

  /** Looks at all of them: some may have sent their head, or lasted longer, since the last look. */
  look(): void {
    for (const [stream, followed] of this.#followed) this.#look(stream, followed)
  }

  /** The client of the session was told to open no more streams. */
  told(session: ServerHttp2Session): void {
    this.#told.add(session)
    for (const stream of openStreams(session)) {
      const longLived = this.#followed.get(stream)?.longLived
      if (longLived !== undefined) this.#add(stream, longLived)
    }
  }

  /** Whether the stream is known not to end by itself. */
  has(stream: ServerHttp2Stream): boolean {
    const followed = this.#followed.get(stream)
    if (followed === undefined) return false
    this.#look(stream, followed)
    return followed.longLived !== undefined
  }

  /** What the streams of the session carry that do not end by themselves. */
  carriedBy(session: ServerHttp2Session): Carries[] {
    return this.#of(session).flatMap((longLived) => longLived?.carries ?? [])
  }

  /** Whether streams are left on the session, and only the program can end them. */
  areLeftToProgram(session: ServerHttp2Session): boolean {
    const streams = this.#of(session)
    const isLeft = (longLived: LongLived | undefined): boolean =>
      longLived !== undefined && longLived.end === undefined
    return streams.length > 0 && streams.every(isLeft)
  }

  #of(session: ServerHttp2Session): (LongLived | undefined)[] {
    return openStreams(session).map((stream) => this.#followed.get(stream)?.longLived)
  }

  #look(stream: ServerHttp2Stream, followed: Followed): void {
    if (followed.longLived !== undefined) return
    const longLived = this.#longLived(stream, followed)
    if (longLived === undefined) return
    followed.longLived = longLived
    this.#add(stream, longLived)
  }

  #add(stream: ServerHttp2Stream, { kind, end }: LongLived): void {
    const { session } = stream
    const isTold = session !== undefined && this.#told.has(session as ServerHttp2Session)
    this.#context.longLived(stream, kind, isTold ? end : undefined)
  }

  #longLived(stream: ServerHttp2Stream, { since }: Followed): LongLived | undefined {
    const upgraded = this.#sessions.upgraded(stream)
    if (upgraded !== undefined) {
      const end = endOfUpgraded(this.#context, stream, upgraded)
      return { carries: upgraded.carries, kind: kindOf(upgraded), end }
    }
    const response = compatResponse(stream)
    const payload = response && closingPoll(response)
    if (response !== undefined && payload !== undefined) {
      const end = (): void => answerPoll(response, payload)
      return { carries: undefined, kind: undefined, end }
    }
    if (!isOpenEnded(stream)) return undefined
    const { quick, streamTimeout } = this.#context
    const isEvents = isEventStream(stream)
    const isLate = streamTimeout !== undefined && performance.now() - since >= streamTimeout
    // As on HTTP/1.1: only the client of a GET asks again by itself when the stream ends.
    const isEndless = (isEvents && (quick || this.#sessions.isGet(stream))) || isLate
    if (!isEndless) return undefined
    const carries = isEvents ? 'event stream' : 'endless response'
    return { carries, kind: 'eventStreams', end: this.#endOf(stream, isEvents) }
  }

  #endOf(stream: ServerHttp2Stream, isEvents: boolean): (() => void) | undefined {
    const { quick, closeGrace, leavesStreams } = this.#context
    if (leavesStreams && !quick) return undefined
    const asked = (): void => this.#context.asked(stream)
    if (isEvents) {
      const events = new EventStreamEnd(stream)
      return () => events.end(quick ? 0 : closeGrace, asked)
    }
    return () => {
      if (isGrpc(stream)) answerUnavailable(stream)
      endQuietly(stream)
      asked()
    }
  }
}

const isGrpc = (stream: ServerHttp2Stream): boolean =>
  /^application\/grpc\b/i.test(sentHeader(stream, 'content-type'))

/**
 * Lets a call of gRPC end with the status UNAVAILABLE, after which its client may call again. Without a status, in
 * the trailers, the client reports an error of the protocol.
 */
function answerUnavailable(stream: ServerHttp2Stream): void {
  const trailers = { 'grpc-status': '14', 'grpc-message': 'the server restarts' }
  // The program's own listener would send the status of a complete call, or none.
  stream.removeAllListeners('wantTrailers')
  stream.once('wantTrailers', () => stream.sendTrailers(trailers))
}

const isEventStream = (stream: ServerHttp2Stream): boolean =>
  /^text\/event-stream\b/i.test(sentHeader(stream, 'content-type'))

/** Whether the response may end at any byte: its head is sent, and gives no length. */
const isOpenEnded = (stream: ServerHttp2Stream): boolean =>
  stream.headersSent && !stream.writableEnded && sentHeader(stream, 'content-length') === ''
