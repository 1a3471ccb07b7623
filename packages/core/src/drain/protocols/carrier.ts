import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { socketOf } from '../../node/http2-session.ts'

/** What can carry something that does not end by itself: a connection, or one stream of an HTTP/2 session. */
export type Carrier = Socket | ServerHttp2Stream

// NGHTTP2_CANCEL. The constant of node:http2 would load it, in programs that use no HTTP/2.
const CANCEL = 8

/** Whether it is a connection, and not a stream of one. */
export const isConnection = (carrier: Carrier): carrier is Socket => !('pushStream' in carrier)

/** The connection of a stream; a connection itself. `undefined` once the session of the stream has ended. */
export function connectionOf(carrier: Carrier): Socket | undefined {
  if (isConnection(carrier)) return carrier
  return carrier.session && socketOf(carrier.session)
}

/** Destroys a connection, or a stream so that its client does not take what it got for all (RFC 9113, 8.1). */
export function cut(carrier: Carrier): void {
  if (isConnection(carrier)) carrier.destroy()
  else carrier.close(CANCEL)
}
