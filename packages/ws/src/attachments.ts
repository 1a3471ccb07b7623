import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import type { PassedWebSocket, WebSocketProtocol } from './continue-web-sockets.ts'

/** Returns the attachment of a WebSocket, or a promise of it: the next process gets it. */
export type AttachmentFunction = (ws: WebSocket, request: IncomingMessage) => unknown

/** A call of an async attachment function. Its answer is valid only while no message has been emitted since. */
interface Asked {
  unread: Buffer
  answer?: PassedWebSocket | string
}

/** The protocol of a program that sends messages of its own. Its attachment function returns what goes to the next process. */
export function ownMessages(
  request: IncomingMessage,
  attachment: AttachmentFunction = () => undefined,
): WebSocketProtocol {
  let asked: Asked | undefined
  return {
    waitsFor: 'its attachment',
    resumed() {
      asked = undefined
    },
    capture(ws, unread) {
      if (asked !== undefined) {
        if (asked.answer === undefined || asked.unread.equals(unread)) return asked.answer
        asked = undefined
      }
      const value = attachment(ws, request)
      if (!isThenable(value)) return { attachment: value }
      const waiting: Asked = { unread }
      asked = waiting
      value.then(
        (answer) => {
          waiting.answer = { attachment: answer }
        },
        (error) => {
          waiting.answer = `its attachment failed: ${error}`
        },
      )
      return undefined
    },
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
