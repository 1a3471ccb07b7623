import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { isOwnListener, ownListener } from '../../base/own-listener.ts'
import type { AnyServer } from '../../base/types.ts'
import { callUpgradeHooks } from '../../continue/upgrade-hooks.ts'
import { UPGRADE_EVENTS, type UpgradeEvent } from '../../node/http1-events.ts'
import { closerOf, type UpgradedCloser } from './on-upgraded.ts'
import type { Carries } from './protocol.ts'
import { followWebSocket, type WebSocketEnd } from './web-socket.ts'

/** What was noted of a connection when it left HTTP/1.1. */
export interface UpgradedConnection {
  readonly carries: Carries
  /** Defined for a WebSocket of RFC 6455. */
  readonly webSocket: WebSocketEnd | undefined
  /** The closer that the program has given (`onUpgraded`). */
  readonly closer: UpgradedCloser | undefined
}

/**
 * The open connections of a server that have left HTTP/1.1, noted from its start: Node itself no
 * longer lists them.
 */
export class UpgradedConnections implements Iterable<Socket> {
  /** Called for each upgrade, before the program's listener. */
  listener: ((socket: Socket) => void) | undefined
  readonly #server: AnyServer
  readonly #open = new Map<Socket, UpgradedConnection>()

  constructor(server: AnyServer) {
    this.#server = server
    server.on('newListener', this.#onNewListener).on('removeListener', this.#onRemoveListener)
    for (const event of UPGRADE_EVENTS) if (this.#isHeard(event)) this.#listen(event)
  }

  [Symbol.iterator](): IterableIterator<Socket> {
    return this.#open.keys()
  }

  has(socket: Socket): boolean {
    return this.#open.has(socket)
  }

  get(socket: Socket): UpgradedConnection | undefined {
    return this.#open.get(socket)
  }

  stop(): void {
    const server = this.#server
    server.off('newListener', this.#onNewListener).off('removeListener', this.#onRemoveListener)
    for (const event of UPGRADE_EVENTS) server.off(event, this.#onUpgrade)
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
    this.#open.set(socket, this.#note(request, socket))
    socket.once('close', () => this.#open.delete(socket))
    callUpgradeHooks(this.#server, request, socket)
    this.listener?.(socket)
  })

  #note(request: IncomingMessage, socket: Socket): UpgradedConnection {
    const closer = closerOf(this.#server, socket, request)
    if (request.method === 'CONNECT') return { carries: 'tunnel', webSocket: undefined, closer }
    if (!asksForWebSocket(request)) {
      return { carries: 'upgraded connection', webSocket: undefined, closer }
    }
    return { carries: 'WebSocket', webSocket: followWebSocket(socket), closer }
  }
}

const isUpgrade = (event: string): event is UpgradeEvent =>
  (UPGRADE_EVENTS as readonly string[]).includes(event)

/** Whether the request is the handshake of RFC 6455 (4.2.1). */
const asksForWebSocket = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket' && headers['sec-websocket-key'] !== undefined
