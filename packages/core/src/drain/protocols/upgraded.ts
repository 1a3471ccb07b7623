import type { Socket } from 'node:net'
import type { Carries, DrainContext } from './protocol.ts'
import { Tcp } from './tcp.ts'
import type { UpgradedConnection, UpgradedConnections } from './upgraded-connections.ts'

/**
 * A connection that has left HTTP/1.1 for another protocol. A WebSocket is closed with a close frame, and what
 * the program has a closer for by that; only the program knows any other protocol.
 */
export class Upgraded extends Tcp {
  readonly #upgraded: UpgradedConnections | undefined

  constructor(upgraded: UpgradedConnections | undefined, context: DrainContext) {
    super(context)
    this.#upgraded = upgraded
  }

  override speaks(socket: Socket): boolean {
    return this.#upgraded?.has(socket) ?? false
  }

  override carries(socket: Socket): Carries {
    return this.#upgraded?.get(socket)?.carries ?? 'upgraded connection'
  }

  override askToLeave(socket: Socket): void {
    const connection = this.#upgraded?.get(socket)
    if (connection === undefined) return
    const kind = connection.webSocket === undefined ? 'tunnels' : 'webSockets'
    this.context.longLived(socket, kind, this.#endOf(socket, connection))
  }

  override isEndless(socket: Socket): boolean {
    const connection = this.#upgraded?.get(socket)
    return connection === undefined || this.#endOf(socket, connection) === undefined
  }

  #endOf(socket: Socket, { webSocket, closer }: UpgradedConnection): (() => void) | undefined {
    const { quick, webSocketCode } = this.context
    if (closer !== undefined) return () => this.#call(closer, socket)
    if (webSocket !== undefined && webSocketCode !== false) {
      const isClosed = (): void => this.context.asked(socket)
      return () => {
        if (!webSocket.close(webSocketCode, isClosed)) super.askToLeave(socket)
      }
    }
    return quick ? () => super.askToLeave(socket) : undefined
  }

  async #call(closer: () => unknown, socket: Socket): Promise<void> {
    if (this.context.quick) this.context.asked(socket)
    try {
      await closer()
    } catch (error) {
      this.context.warn(
        `a closer of onUpgraded failed: ${error}; its connection is cut at the deadline (drain.timeout)`,
      )
    }
  }
}
