import type { Socket } from 'node:net'
import type { Gate } from './gate.ts'

/**
 * The connections that block the hand-over: those in flight since before the drain, and those that cannot be
 * handed over. While there are any, the barrier stays closed, because the next process starts only when
 * this one has ended, and a connection that was handed over earlier would wait for all of them.
 */
export class InFlight {
  /** Resolves when the wait for these connections is given up. */
  readonly lastCall: Promise<void>
  #makeLastCall: () => void = () => {}
  #letGo: () => void = () => {}
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.lastCall = new Promise((resolve) => {
      this.#makeLastCall = resolve
    })
  }

  /** Closes the barrier while there are such connections. Once released, it stays open. */
  hold(gate: Gate): void {
    if (this.#sockets.size > 0) this.#letGo = gate.hold()
  }

  add(socket: Socket): void {
    this.#sockets.add(socket)
  }

  /** The connection no longer blocks: its response was sent, or it closed. */
  settle(socket: Socket): void {
    if (this.#sockets.delete(socket) && this.#sockets.size === 0) this.#letGo()
  }

  /** From now on `socket` stands for the connection, not `raw`. */
  secured(raw: Socket, socket: Socket): void {
    if (this.#sockets.delete(raw)) this.#sockets.add(socket)
  }

  /**
   * An upgraded connection from before the drain is in flight until it closes. A gate that has
   * opened stays open.
   */
  stays(socket: Socket): void {
    if (this.#sockets.size > 0) this.#sockets.add(socket)
  }

  giveUp(): void {
    this.#letGo()
    this.#makeLastCall()
  }
}
