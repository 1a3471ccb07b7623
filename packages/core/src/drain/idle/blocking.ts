import type { Socket } from 'node:net'
import type { Barrier } from './barrier.ts'

/**
 * The connections that block the hand-over: connections from before the drain that are in flight, or cannot be
 * handed over. While there are any, the barrier stays closed: the next process starts only when this
 * one has ended, so a connection that was handed over earlier would wait for all of them.
 */
export class BlockingConnections {
  /** Resolves when the wait for these connections is given up. */
  readonly givenUp: Promise<void>
  #giveUp: () => void = () => {}
  #release: () => void = () => {}
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.givenUp = new Promise((resolve) => {
      this.#giveUp = resolve
    })
  }

  add(socket: Socket): void {
    this.#sockets.add(socket)
  }

  /** Closes the barrier while there are such connections. */
  hold(barrier: Barrier): void {
    if (this.#sockets.size > 0) this.#release = barrier.hold()
  }

  /** The connection no longer blocks: it is idle and may be handed over, or it has closed. */
  delete(socket: Socket): void {
    if (this.#sockets.delete(socket) && this.#sockets.size === 0) this.#release()
  }

  /** After a TLS handshake `socket` stands for the connection, not `raw`. */
  replace(raw: Socket, socket: Socket): void {
    if (this.#sockets.delete(raw)) this.#sockets.add(socket)
  }

  /** The connection was upgraded, and blocks until it closes. A barrier that has opened stays open. */
  addUpgraded(socket: Socket): void {
    if (this.#sockets.size > 0) this.#sockets.add(socket)
  }

  giveUp(): void {
    this.#release()
    this.#giveUp()
  }
}
