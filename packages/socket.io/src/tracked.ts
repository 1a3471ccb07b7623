import type { WebSocket } from 'ws'
import type { PingTimes } from './carried.ts'
import type { Continued } from './continued.ts'
import type { Client, Connection } from './internals.ts'

/** A connection of engine.io, and the counts of what is not finished on it. */
export class Tracked {
  readonly connection: Connection
  /** The times that the client was told. */
  readonly ping: PingTimes
  /** Set if the connection has come from the previous process. */
  readonly continued: Continued | undefined
  /** `undefined` until the client has asked for its first namespace. */
  client: Client | undefined
  /** Namespaces for which the program has not decided yet. */
  connecting = 0
  /** Events for which a middleware has not decided yet. */
  deciding = 0
  /** Events that the program has not acknowledged yet. */
  unanswered = 0
  /** The functions that wait for an answer of this client alone. Those of a broadcast wait for other clients too. */
  readonly asking: WeakSet<object> = new WeakSet()

  constructor(connection: Connection, ping: PingTimes, continued?: Continued) {
    this.connection = connection
    this.ping = ping
    this.continued = continued
  }
}

/** The connections of one server. */
export class Connections {
  readonly #tracked = new WeakMap<Connection, Tracked>()
  readonly #byWebSocket = new WeakMap<WebSocket, Tracked>()
  /** The connection whose packet is being decoded. */
  decoding: Tracked | undefined

  add(tracked: Tracked): void {
    const { connection } = tracked
    this.#tracked.set(connection, tracked)
    connection.prependListener('data', () => {
      this.decoding = tracked
    })
    this.#note(tracked)
    connection.on('upgrade', () => this.#note(tracked))
  }

  of(connection: Connection): Tracked | undefined {
    return this.#tracked.get(connection)
  }

  /** `undefined` before the WebSocket carries the connection: in an upgrade. */
  ofWebSocket(ws: WebSocket): Tracked | undefined {
    return this.#byWebSocket.get(ws)
  }

  #note(tracked: Tracked): void {
    const { name, socket } = tracked.connection.transport
    if (name === 'websocket' && socket !== undefined) this.#byWebSocket.set(socket, tracked)
  }
}
