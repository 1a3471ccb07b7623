import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import type { PassedWebSocket, WebSocketProtocol } from './continue-web-sockets.ts'

/** Says what goes along with a WebSocket. */
export type AttachmentFunction = (ws: WebSocket, request: IncomingMessage) => unknown

/** What an async function has been asked for: it holds only as long as no message has been emitted since. */
interface Asked {
  unread: Buffer
  answer?: PassedWebSocket | string
}

/** The messages of the program itself: with each WebSocket goes what a function returns. */
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
