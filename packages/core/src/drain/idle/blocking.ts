import type { Socket } from 'node:net'
import type { Barrier } from './barrier.ts'

/**
 * The connections that block the hand-over: those in flight since before the drain, and those that cannot be
 * handed over. While there are any, the barrier stays closed, because the next process starts only when
 * this one has ended, and a connection that was handed over earlier would wait for all of them.
 */
export class InFlight {
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

  /** Closes the barrier while there are such connections. Once released, it stays open. */
  hold(barrier: Barrier): void {
    if (this.#sockets.size > 0) this.#release = barrier.hold()
  }

  add(socket: Socket): void {
    this.#sockets.add(socket)
  }

  /** The connection no longer blocks: its response was sent, or it closed. */
  settle(socket: Socket): void {
    if (this.#sockets.delete(socket) && this.#sockets.size === 0) this.#release()
  }

  /** From now on `socket` stands for the connection, not `raw`. */
  secured(raw: Socket, socket: Socket): void {
    if (this.#sockets.delete(raw)) this.#sockets.add(socket)
  }

  /**
   * An upgraded connection from before the drain is in flight until it closes. A barrier that has
   * opened stays open.
   */
  stays(socket: Socket): void {
    if (this.#sockets.size > 0) this.#sockets.add(socket)
  }

  giveUp(): void {
    this.#release()
    this.#giveUp()
  }
}
