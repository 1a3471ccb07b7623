import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { AnyServer } from '../types.ts'

const EVENTS = ['upgrade', 'connect'] as const
type UpgradeEvent = (typeof EVENTS)[number]

/**
 * The open connections that have left an HTTP/1.1 server for another protocol, which Node itself no
 * longer lists.
 */
export class Upgraded implements Iterable<Socket> {
  readonly #server: AnyServer
  readonly #open = new Set<Socket>()

  constructor(server: AnyServer) {
    this.#server = server
    server.on('newListener', this.#onNewListener).on('removeListener', this.#onRemoveListener)
    for (const event of EVENTS) if (server.listenerCount(event) > 0) this.#listen(event)
  }

  [Symbol.iterator](): IterableIterator<Socket> {
    return this.#open.values()
  }

  stop(): void {
    const server = this.#server
    server.off('newListener', this.#onNewListener).off('removeListener', this.#onRemoveListener)
    for (const event of EVENTS) server.off(event, this.#onUpgrade)
  }

  // Only beside a listener of the program's own: the first one makes Node upgrade at all.
  #listen(event: UpgradeEvent): void {
    const server = this.#server
    if (!server.listeners(event).includes(this.#onUpgrade)) {
      server.prependListener(event, this.#onUpgrade)
    }
  }

  readonly #onNewListener = (event: string, listener: unknown): void => {
    if (isUpgrade(event) && listener !== this.#onUpgrade) this.#listen(event)
  }

  readonly #onRemoveListener = (event: string): void => {
    if (!isUpgrade(event)) return
    const left = this.#server.listeners(event)
    if (left.length === 1 && left[0] === this.#onUpgrade) this.#server.off(event, this.#onUpgrade)
  }

  readonly #onUpgrade = (_: IncomingMessage, socket: Socket): void => {
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
  }
}

const isUpgrade = (event: string): event is UpgradeEvent =>
  (EVENTS as readonly string[]).includes(event)
