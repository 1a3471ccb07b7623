import type { Socket } from 'node:net'
import { afterPoll } from '../base/after-poll.ts'

/** Returns those of the connections whose client is in this very process. */
export type OwnPeers = (connections: readonly Socket[]) => ReadonlySet<Socket>

/** What the drain offers to {@link OwnClients}. */
export interface OwnClientsContext {
  readonly idle: Iterable<Socket>
  /** Whether there are no other connections than the idle ones. */
  allIdle(): boolean
  isIdle(socket: Socket): boolean
  expire(socket: Socket): void
}

/**
 * Closes idle connections whose client is in this very process, once no other connections are left. The drain
 * need not wait for them.
 */
export class OwnClients {
  readonly #ownPeers: OwnPeers
  readonly #context: OwnClientsContext
  /** Connections that are known to come from another process. */
  readonly #foreign = new WeakSet<Socket>()
  #state: 'waiting' | 'looking' | 'stopped' = 'waiting'

  constructor(ownPeers: OwnPeers, context: OwnClientsContext) {
    this.#ownPeers = ownPeers
    this.#context = context
  }

  /** Looks for such connections, if no others may be left. */
  look(): void {
    if (this.#state !== 'waiting' || this.#candidates().length === 0) return
    this.#state = 'looking'
    // The event loop polls twice, so that a request which was sent before the drain is read first.
    afterPoll(() => afterPoll(() => this.#expireOwn()))
  }

  stop(): void {
    this.#state = 'stopped'
  }

  #expireOwn(): void {
    if (this.#state === 'stopped') return
    this.#state = 'waiting'
    const sockets = this.#candidates()
    if (sockets.length === 0) return
    const own = this.#ownPeers(sockets)
    for (const socket of sockets) if (!own.has(socket)) this.#foreign.add(socket)
    if (own.size < sockets.length) return
    for (const socket of sockets) if (this.#context.isIdle(socket)) this.#context.expire(socket)
  }

  /** All connections, if each may be of this process; else none. */
  #candidates(): readonly Socket[] {
    const sockets: Socket[] = []
    if (!this.#context.allIdle()) return sockets
    for (const socket of this.#context.idle) {
      // A connection without a request yet is about to send one.
      if (socket.bytesRead === 0 || this.#foreign.has(socket)) return []
      sockets.push(socket)
    }
    return sockets
  }
}
