import type { ServerResponse } from 'node:http'
import type { Http1Socket } from './protocols/http1.ts'

/** What the quick form takes at most, in milliseconds: a person waits, or new code. */
export const QUICK_TIMEOUT = 3_000

// setHeader or writeHead, with one name or many: what was sent is in Node's own `_header`.
const EVENT_STREAM = /^content-type: *text\/event-stream\b/im

/** Whether the connection carries an event stream that the program has not ended: it never ends by itself. */
export function isEventStream({ _httpMessage: response }: Http1Socket): boolean {
  if (!response || response.writableEnded) return false
  return EVENT_STREAM.test((response as ServerResponse & { _header?: string | null })._header ?? '')
}
