import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { isOwnListener, ownListener } from '../../base/own-listener.ts'
import type { AnyServer } from '../../base/types.ts'
import type { DrainContext } from './protocol.ts'
import { Tcp } from './tcp.ts'

const EVENTS = ['upgrade', 'connect'] as const
type UpgradeEvent = (typeof EVENTS)[number]

/**
 * A connection that has left HTTP/1.1 for another protocol, as a WebSocket or a tunnel. As with TCP, only the
 * program knows that protocol.
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
}

/**
 * The open connections of a server that have left HTTP/1.1, noted from its start: Node itself no
 * longer lists them.
 */
export class UpgradedConnections implements Iterable<Socket> {
  /** Called for each upgrade, before the program's listener. */
  listener: ((socket: Socket) => void) | undefined
  readonly #server: AnyServer
  readonly #open = new Set<Socket>()

  constructor(server: AnyServer) {
    this.#server = server
    server.on('newListener', this.#onNewListener).on('removeListener', this.#onRemoveListener)
    for (const event of EVENTS) if (this.#isHeard(event)) this.#listen(event)
  }

  [Symbol.iterator](): IterableIterator<Socket> {
    return this.#open.values()
  }

  has(socket: Socket): boolean {
    return this.#open.has(socket)
  }

  stop(): void {
    const server = this.#server
    server.off('newListener', this.#onNewListener).off('removeListener', this.#onRemoveListener)
    for (const event of EVENTS) server.off(event, this.#onUpgrade)
    this.listener = undefined
  }

  /** Whether the program itself listens: only then does Node upgrade connections. */
  #isHeard(event: UpgradeEvent): boolean {
    return this.#server.listeners(event).some((listener) => !isOwnListener(listener))
  }

  #listen(event: UpgradeEvent): void {
    if (this.#server.listeners(event).includes(this.#onUpgrade)) return
    this.#server.prependListener(event, this.#onUpgrade)
  }

  readonly #onNewListener = (event: string, listener: unknown): void => {
    if (isUpgrade(event) && !isOwnListener(listener)) this.#listen(event)
  }

  readonly #onRemoveListener = (event: string): void => {
    if (isUpgrade(event) && !this.#isHeard(event)) this.#server.off(event, this.#onUpgrade)
  }

  readonly #onUpgrade = ownListener((request: IncomingMessage, socket: Socket): void => {
    // CONNECT of HTTP/2 opens a stream, on a session that stays what it is.
    if (request.httpVersionMajor !== 1) return
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    this.listener?.(socket)
  })
}

const isUpgrade = (event: string): event is UpgradeEvent =>
  (EVENTS as readonly string[]).includes(event)
