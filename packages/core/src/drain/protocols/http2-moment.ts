import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { afterPoll } from '../../base/after-poll.ts'
import { bytesWritten, openStreams } from '../../node/http2-session.ts'

/** How long in milliseconds a session is watched, to learn how many requests its client makes at a time. */
const WATCH = 500

const TICK = 100

/** The bytes of a PING frame (RFC 9113, 6.7). */
const PING_FRAME = 17

/** How long in milliseconds after the answer to a ping the next one is sent. */
const NEXT_PING = 10

export interface MomentOptions {
  /** A session is quiet if its client has read all responses, and has then asked for nothing for so many milliseconds. */
  readonly quiet: number
  /** After that many milliseconds any moment is good. */
  readonly latest: number
  /** Whether the stream does not end by itself: its client does not wait for a response. */
  isLongLived(stream: ServerHttp2Stream): boolean
}

/**
 * Calls back at a moment when the client of a session without TLS has read all that was sent: it has answered a ping, and
 * nothing was sent since. After `latest` milliseconds calls back with false.
 *
 * A client of node:http2 that reads a response and a GOAWAY at once fails its next request by itself, with
 * REFUSED_STREAM: it has begun that request in between. When it has read all responses, none can come together with
 * the GOAWAY.
 */
export function whenAllIsRead(
  session: ServerHttp2Session,
  latest: number,
  callback: (isRead: boolean) => void,
): void {
  let isOver = false
  const ask = (): void => {
    if (isOver || session.destroyed) return
    const before = bytesWritten(session)
    session.ping((error) => {
      if (isOver) return
      if (error === null && bytesWritten(session) === before + PING_FRAME) finish(true)
      else setTimeout(ask, NEXT_PING)
    })
  }
  const stop = (): void => {
    isOver = true
    clearTimeout(deadline)
    session.off('close', stop)
  }
  const finish = (isRead: boolean): void => {
    stop()
    callback(isRead)
  }
  const deadline = setTimeout(finish, latest, false)
  session.once('close', stop)
  ask()
}

/**
 * Calls back at a moment when the client of a session can be told to leave, and hardly a request of it fails.
 *
 * A request that is on the way when the server sends its GOAWAY may be refused. A client that reads a response and a
 * GOAWAY at once may have begun its next request in between, and fails it by itself. But clients wait for
 * responses. So the best moment is when a request has arrived, and the client waits for as many responses as it
 * has waited for at any time recently: it has nothing to send then. What is sent at this moment goes before the
 * response. The next best is when the session is quiet.
 */
export function atGoodMoment(
  session: ServerHttp2Session,
  { quiet, latest, isLongLived }: MomentOptions,
  callback: () => void,
): void {
  const began = performance.now()
  const requests = new Requests(session, began, isLongLived)
  let ping: Ping | undefined
  const isQuiet = (now: number): boolean => {
    if (requests.areWaitedFor) ping = undefined
    else ping ??= new Ping(session)
    return now - (ping?.answeredAt ?? now) >= quiet
  }
  const look = (): void => {
    const now = performance.now()
    const isMost = requests.areMost(now) && now - began >= WATCH
    if (!isMost && !isQuiet(now) && now - began < latest) return
    stop()
    callback()
  }
  // Before the program's listener, which may answer at once.
  const onStream = (stream: ServerHttp2Stream): void => {
    requests.add(stream)
    look()
  }
  const timer = setInterval(look, Math.min(TICK, latest))
  const stop = (): void => {
    clearInterval(timer)
    session.off('stream', onStream)
  }
  session.prependListener('stream', onStream).once('close', stop)
}

/** A ping, and when the client has answered it: it has read all that was sent before. */
class Ping {
  answeredAt: number | undefined

  constructor(session: ServerHttp2Session) {
    if (session.destroyed) return
    session.ping((error) => {
      if (error === null) this.answeredAt = performance.now()
    })
  }
}

/**
 * How many responses the client of a session waits for, and the most that it waited for recently: older numbers say
 * nothing about the client now.
 */
class Requests {
  readonly #session: ServerHttp2Session
  /** Those that have arrived together, whether they have been answered or not: the client sent them at one time. */
  readonly #arrived = new Set<ServerHttp2Stream>()
  readonly #isLongLived: MomentOptions['isLongLived']
  #mostBefore = 0
  #most = 0
  #since: number

  constructor(session: ServerHttp2Session, now: number, isLongLived: MomentOptions['isLongLived']) {
    this.#session = session
    this.#isLongLived = isLongLived
    this.#since = now
  }

  get areWaitedFor(): boolean {
    return this.#count() > 0
  }

  add(stream: ServerHttp2Stream): void {
    if (this.#arrived.size === 0) afterPoll(() => this.#arrived.clear())
    this.#arrived.add(stream)
  }

  /** Whether the client waits for as many responses as it did at any time recently. */
  areMost(now: number): boolean {
    if (now - this.#since >= WATCH) {
      this.#mostBefore = this.#most
      this.#most = 0
      this.#since = now
    }
    const count = this.#count()
    this.#most = Math.max(this.#most, count)
    return count > 0 && count >= Math.max(this.#mostBefore, this.#most)
  }

  #count(): number {
    const open = openStreams(this.#session).filter(({ writableEnded }) => !writableEnded)
    const all = new Set([...open, ...this.#arrived])
    return [...all].filter((stream) => !this.#isLongLived(stream)).length
  }
}
