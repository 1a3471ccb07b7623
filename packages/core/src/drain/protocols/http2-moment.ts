import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { afterPoll } from '../../base/after-poll.ts'
import { openStreams } from '../../node/http2-session.ts'

/** How long in milliseconds a session is watched, to learn how many requests its client makes at a time. */
const WATCH = 500

/** A session whose client has waited for nothing in that many milliseconds is quiet. */
const QUIET = 1_000

const TICK = 100

/**
 * Closes a session at a moment when its client has hardly a request on the way: that one would be refused. With TLS
 * there is no way to announce the close first.
 *
 * Clients wait for responses. So the best moment is when a request has arrived, and the client waits for as many
 * responses as it has waited for at any time of late: it has nothing to send then. The GOAWAY goes before the response.
 * A session whose client waits for nothing is closed when it has been quiet for a second. After `latest`
 * milliseconds the session is closed in any case.
 */
export function closeAtGoodMoment(session: ServerHttp2Session, latest: number): void {
  const began = performance.now()
  const requests = new Requests(session, began)
  let busyUntil = began
  const look = (): void => {
    const now = performance.now()
    const isMost = requests.areMost(now) && now - began >= WATCH
    if (requests.isWaitedFor) busyUntil = now
    if (isMost || now - busyUntil >= QUIET || now - began >= latest) session.close()
    if (session.closed || session.destroyed) stop()
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

/** How many responses the client of a session waits for, and the most of late: longer ago says nothing about now. */
class Requests {
  readonly #session: ServerHttp2Session
  /** Those that have arrived together, whether they have been answered or not: the client sent them at a time. */
  readonly #arrived = new Set<ServerHttp2Stream>()
  #mostBefore = 0
  #most = 0
  #since: number

  constructor(session: ServerHttp2Session, now: number) {
    this.#session = session
    this.#since = now
  }

  get isWaitedFor(): boolean {
    return this.#count() > 0
  }

  add(stream: ServerHttp2Stream): void {
    if (this.#arrived.size === 0) afterPoll(() => this.#arrived.clear())
    this.#arrived.add(stream)
  }

  /** Whether the client waits for as many responses as it did at any time of late. */
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
    return new Set([...open, ...this.#arrived]).size
  }
}
