import type { Socket } from 'node:net'
import type { LongLivedKind } from '../../base/types.ts'
import type { Carrier } from './carrier.ts'
import type { Carries, DrainContext } from './protocol.ts'
import { Tcp } from './tcp.ts'
import type { UpgradedConnection, UpgradedConnections } from './upgraded-connections.ts'

/**
 * A connection that has left HTTP/1.1 for another protocol. A WebSocket is closed with a close frame, and a
 * connection for which the program has a closer is closed by that. Any other protocol is known to the program alone.
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
    const kind = kindOf(connection)
    this.context.longLived(socket, kind, endOfUpgraded(this.context, socket, connection))
  }

  override isEndless(socket: Socket): boolean {
    const connection = this.#upgraded?.get(socket)
    return connection === undefined || endOfUpgraded(this.context, socket, connection) === undefined
  }
}

export const kindOf = ({ webSocket }: UpgradedConnection): LongLivedKind =>
  webSocket === undefined ? 'tunnels' : 'webSockets'

/** How an upgraded connection or stream is asked to leave; `undefined`: only the program can end it. */
export function endOfUpgraded(
  context: DrainContext,
  carrier: Carrier,
  { webSocket, closer }: UpgradedConnection,
): (() => void) | undefined {
  const { quick, webSocketCode } = context
  if (closer !== undefined) return () => call(context, closer, carrier)
  if (webSocket !== undefined && webSocketCode !== false) {
    const asked = (): void => context.asked(carrier)
    return () => {
      if (!webSocket.close(webSocketCode, asked) && quick) context.expire(carrier)
    }
  }
  return quick ? () => context.expire(carrier) : undefined
}

async function call(context: DrainContext, closer: () => unknown, carrier: Carrier): Promise<void> {
  if (context.quick) context.asked(carrier)
  try {
    await closer()
  } catch (error) {
    context.warn(
      `a closer of onUpgraded failed: ${error}; its connection is cut at the deadline (drain.timeout)`,
    )
  }
}
