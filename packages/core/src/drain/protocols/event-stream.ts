import type { Socket } from 'node:net'
import { currentResponse, sentHead } from '../../node/http-response.ts'

const EVENT_STREAM = /^content-type: *text\/event-stream\b/im

/** Whether the connection carries an event stream that the program has not ended: it never ends by itself. */
export function isEventStream(socket: Socket): boolean {
  const response = currentResponse(socket)
  return response !== undefined && !response.writableEnded && EVENT_STREAM.test(sentHead(response))
}
