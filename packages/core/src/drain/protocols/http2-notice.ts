import type { ServerHttp2Session } from 'node:http2'
import { writeBetweenFrames } from '../../node/http2-session.ts'

/** GOAWAY, no error, with the highest stream id: "a shutdown begins, and no request is refused" (RFC 9113, 6.8). */
const NOTICE = Buffer.from('0000080700000000007fffffff00000000', 'hex')

/** How often in milliseconds the notice is tried while the client is slow to read. */
const TRY_AGAIN = 50

/** The time in milliseconds that a client gets to send what it had begun before it read the notice. */
const AFTER_ANSWER = 100

/**
 * Closes a session without TLS in two steps, so that no request is refused. First a notice tells the client to open no
 * more streams. When the client has answered the ping behind it, whatever it sent before has arrived. Then
 * `close()` sends the GOAWAY with the last stream that was received.
 *
 * Node has no API for the notice (`nghttp2_submit_shutdown_notice`): `session.goaway` makes nghttp2 ignore new
 * streams at once. After `latest` milliseconds the session is closed in any case. `told` is called when the client
 * was told to open no more streams, and again when the session is closed.
 */
export function closeAfterNotice(
  session: ServerHttp2Session,
  latest: number,
  told: () => void,
): void {
  const close = (): void => {
    session.close()
    told()
  }
  const timers = [setTimeout(close, latest)]
  session.once('close', () => timers.forEach(clearTimeout))
  const answered = (error: Error | null): void => {
    if (error === null) timers.push(setTimeout(close, AFTER_ANSWER))
  }
  const notify = (): void => {
    if (session.destroyed || session.closed) return
    if (!writeBetweenFrames(session, NOTICE)) timers.push(setTimeout(notify, TRY_AGAIN))
    // Without a ping, because too many are under way, the session is closed at the latest moment.
    else {
      session.ping(answered)
      told()
    }
  }
  notify()
}
