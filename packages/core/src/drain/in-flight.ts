import type { Socket } from 'node:net'
import type { Gate } from './gate.ts'

/**
 * Connections in flight since before the drain, or not to be handed over at all. While there are
 * any, the gate is held: nobody is left to a successor that starts later.
 */
export class InFlight {
  /** Resolves when nobody is waited for any longer. */
  readonly lastCall: Promise<void>
  #makeLastCall: () => void = () => {}
  #letGo: () => void = () => {}
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.lastCall = new Promise((resolve) => {
      this.#makeLastCall = resolve
    })
  }

  /** From now on, while there are any; not again once it has been let go. */
  hold(gate: Gate): void {
    if (this.#sockets.size > 0) this.#letGo = gate.hold()
  }

  add(socket: Socket): void {
    this.#sockets.add(socket)
  }

  /** Its response is sent, or it has closed. */
  settle(socket: Socket): void {
    if (this.#sockets.delete(socket) && this.#sockets.size === 0) this.#letGo()
  }

  /** The connection is `socket` from now on, no longer `raw`. */
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
