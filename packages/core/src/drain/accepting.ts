import { Server as NetServer, type Socket } from 'node:net'
import { ownListener } from '../base/own-listener.ts'
import type { AnyServer } from '../base/types.ts'

// A request follows its connection within a round trip. A new connection that has been silent for longer may
// stay so. It must not be among the last to be accepted, because the next process would wait for it.
const FRESH = 100

/**
 * Accepts new connections while the server drains, for as long as connections from before the drain are open:
 * the next process may start only when this one has ended.
 */
export class Accepting {
  #state: 'accepting' | 'closing' | 'closed' = 'accepting'
  readonly #server: AnyServer
  readonly #before: Set<Socket>
  readonly #onClosed: () => void

  /** `before`: the connections from before the drain. `onClosed`: the server has stopped listening. */
  constructor(server: AnyServer, before: Iterable<Socket>, onClosed: () => void) {
    this.#server = server
    this.#before = new Set(before)
    this.#onClosed = onClosed
  }

  /** Whether new connections come to this process. */
  get isOpen(): boolean {
    return this.#state === 'accepting'
  }

  /** Whether the server has stopped listening, and its last connection has closed. */
  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Whether the connection is from before the drain. */
  isFromBefore(socket: Socket | undefined): boolean {
    return socket !== undefined && this.#before.has(socket)
  }

  /** After a TLS handshake `socket` stands for the connection, not `raw`. */
  replace(raw: Socket, socket: Socket): void {
    if (this.#before.delete(raw)) this.#before.add(socket)
  }

  delete(socket: Socket): void {
    this.#before.delete(socket)
  }

  /** Stops if all connections from before are gone. `idle` tells for how many milliseconds the longest has been idle. */
  stopIfLast(idle: { readonly longest: number }): void {
    if (this.#state === 'accepting' && this.#before.size === 0 && idle.longest < FRESH) this.stop()
  }

  stop(): void {
    if (this.#state !== 'accepting') return
    this.#state = 'closing'
    const closed = ownListener((): void => {
      this.#state = 'closed'
      this.#onClosed()
    })
    // Close only the listening socket. http.Server.close() would destroy idle connections.
    if (this.#server.listening) NetServer.prototype.close.call(this.#server, closed)
    else closed()
  }
}
