import type { Socket } from 'node:net'
import type { AnyServer } from '../../base/types.ts'
import { Handshake } from './handshake.ts'
import { Http1 } from './http1.ts'
import { Http2 } from './http2.ts'
import type { Http2Sessions } from './http2-sessions.ts'
import type { DrainContext, Protocol } from './protocol.ts'
import { Tcp } from './tcp.ts'
import { Upgraded } from './upgraded.ts'
import type { UpgradedConnections } from './upgraded-connections.ts'

/** A server, and what was noted of its connections before the drain. */
export interface NotedServer {
  readonly server: AnyServer
  readonly upgraded: UpgradedConnections | undefined
  readonly sessions: Http2Sessions
}

/** The protocols of one draining server. A new protocol gets a file of its own and a line here. */
export class ServerProtocols {
  // The first that the connection speaks counts. An upgraded connection is asked for first, because its
  // protocol is no longer that of the server; every connection speaks TCP.
  readonly #protocols: readonly Protocol[]
  readonly #tcp: Tcp

  constructor({ server, upgraded, sessions }: NotedServer, context: DrainContext) {
    this.#tcp = new Tcp(context)
    this.#protocols = [
      new Upgraded(upgraded, context),
      new Handshake(server, context),
      new Http1(server, context),
      new Http2(server, sessions, context),
      this.#tcp,
    ]
  }

  /** Whether the server may accept new connections while it drains. */
  get acceptsNew(): boolean {
    return this.#protocols.some(({ acceptsNew }) => acceptsNew)
  }

  /** The protocol that the connection speaks now. */
  of(socket: Socket): Protocol {
    for (const protocol of this.#protocols) if (protocol.speaks(socket)) return protocol
    return this.#tcp
  }

  stop(): void {
    for (const protocol of this.#protocols) protocol.stop?.()
  }
}
