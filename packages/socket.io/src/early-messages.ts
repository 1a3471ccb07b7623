import type { WebSocket } from 'ws'
import type { Transport } from './internals.ts'

interface Held {
  readonly messages: unknown[][]
  readonly listener: (...message: unknown[]) => void
}

/**
 * Keeps the messages that arrive before engine.io listens to a WebSocket. A new client sends nothing before it is greeted. A
 * client of the previous process may have sent much, which arrives with the handshake.
 */
export class EarlyMessages {
  readonly #held = new WeakMap<WebSocket, Held>()

  hold(ws: WebSocket): void {
    const messages: unknown[][] = []
    const listener = (...message: unknown[]): void => void messages.push(message)
    ws.on('message', listener)
    this.#held.set(ws, { messages, listener })
  }

  /** Call it when engine.io listens, and its events have listeners. */
  release({ socket: ws }: Transport): void {
    const held = ws && this.#held.get(ws)
    if (ws === undefined || held === undefined) return
    ws.off('message', held.listener)
    for (const [data, isBinary] of held.messages)
      ws.emit('message', data as Buffer, isBinary as boolean)
  }
}
