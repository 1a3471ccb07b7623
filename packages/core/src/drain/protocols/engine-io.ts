import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { endQuietly } from './event-stream.ts'

/**
 * The payload with which the response to a poll of Engine.IO, the transport of Socket.IO, tells its client that the
 * session is closed; `undefined` for any other response, and once its head is sent. The next process does not know
 * the session. So the client must open a new one, which it does when it reads this packet (engine.io-protocol 3 and
 * 4).
 */
export function closingPoll({
  req,
  headersSent,
}: ServerResponse | Http2ServerResponse): string | undefined {
  const { method, url = '' } = req
  if (headersSent || method !== 'GET' || !url.includes('transport=polling')) return undefined
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1))
  if (!query.get('sid') || query.has('j') || query.get('transport') !== 'polling') return undefined
  if (query.get('EIO') === '4') return '1'
  return query.get('EIO') === '3' ? '1:1' : undefined
}

/** Answers a poll with the payload of {@link closingPoll}. */
export function answerPoll(response: ServerResponse | Http2ServerResponse, payload: string): void {
  if (response.headersSent) return
  response.setHeader('content-type', 'text/plain; charset=UTF-8')
  // Engine.IO answers the poll as well, when it hears that the request has closed.
  endQuietly(response, payload)
}
