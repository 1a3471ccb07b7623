import type { Socket } from 'node:net'
import type { AnyServer } from '../base/types.ts'
import { keepsParserList, parsedConnections } from '../node/http-parser.ts'
import { isHttp1Server, isHttp2Server, isTlsServer } from '../node/server-kind.ts'
import { socketBelow } from '../node/tls-socket.ts'
import { Http2Sessions } from './protocols/http2-sessions.ts'
import { UpgradedConnections } from './protocols/upgraded-connections.ts'

export interface ConnectionListener {
  opened(socket: Socket): void
  /** A TLS handshake is done: from now on `socket` stands for the connection, not `raw`. */
  secured(raw: Socket, socket: Socket): void
  /** The connection was upgraded to another protocol. */
  upgraded(socket: Socket): void
  closed(socket: Socket): void
}

/**
 * The open connections of one server. Node itself lists those of a plain HTTP/1.1 server. That list is read when
 * the drain begins, so these connections cost nothing until then. The connections of all other servers are
 * tracked from their start.
 */
export class Connections implements Iterable<Socket> {
  /** Told about every change; set while the server drains. */
  listener: ConnectionListener | undefined
  readonly server: AnyServer
  /** Those that have left HTTP/1.1; `undefined` for a server that does not speak it. */
  readonly upgraded: UpgradedConnections | undefined
  readonly sessions: Http2Sessions
  readonly #tracked = new Set<Socket>()
  /**
   * `tracked`: each connection is tracked, until the server listens. `listed`: Node lists them, and no
   * connection is tracked. `followed`: {@link follow} was called, and each connection is tracked until {@link stop}.
   */
  #mode: 'tracked' | 'listed' | 'followed' = 'tracked'
  #onEmpty: (() => void) | undefined

  constructor(server: AnyServer) {
    this.server = server
    this.sessions = new Http2Sessions(server)
    this.#track()
    if (!isHttp1Server(server) && !isHttp2Server(server)) return
    // An HTTP/2 server may speak HTTP/1.1 as well.
    this.upgraded = new UpgradedConnections(server)
    this.upgraded.listener = (socket) => this.listener?.upgraded(socket)
    if (isTlsServer(server) || isHttp2Server(server)) return
    // Node sets its list up in its own listener of this event.
    if (server.listening) this.#leaveToNode()
    else server.once('listening', this.#leaveToNode)
  }

  get size(): number {
    return this.#mode === 'listed' ? this.#known().size : this.#tracked.size
  }

  /** Called when the last connection has closed. Setting it starts to track connections. */
  set onEmpty(callback: (() => void) | undefined) {
    this.#onEmpty = callback
    if (callback !== undefined) this.follow()
  }

  /** A snapshot of the open connections. */
  [Symbol.iterator](): IterableIterator<Socket> {
    return (this.#mode === 'listed' ? this.#known() : [...this.#tracked]).values()
  }

  /** Tracks every connection from now on. */
  follow(): void {
    const wasListed = this.#mode === 'listed'
    this.#mode = 'followed'
    this.server.off('listening', this.#leaveToNode)
    if (wasListed) this.#track()
  }

  stop(): void {
    this.server.off('listening', this.#leaveToNode)
    this.upgraded?.stop()
    this.sessions.stop()
    this.#untrack()
    this.listener = undefined
  }

  /** Destroys every connection. */
  destroy(): void {
    for (const socket of this) socket.destroy()
    // Connections that were opened before this object was made may be known to Node alone.
    if ('closeAllConnections' in this.server) this.server.closeAllConnections()
  }

  #track(): void {
    for (const socket of this.#known()) if (!this.#tracked.has(socket)) this.#add(socket)
    // During a TLS handshake only 'connection' has fired; after it only 'secureConnection' has the TLSSocket.
    this.server.on('connection', this.#onConnection).on('secureConnection', this.#onSecure)
  }

  #untrack(): void {
    this.server.off('connection', this.#onConnection).off('secureConnection', this.#onSecure)
  }

  readonly #leaveToNode = (): void => {
    // Another listener of the same event may have called follow(): the event still comes here.
    if (this.#mode === 'followed' || !keepsParserList(this.server)) return
    this.#mode = 'listed'
    this.#untrack()
  }

  /** Tracked connections, those in Node's list, and upgraded ones, which Node lists no longer. */
  #known(): Set<Socket> {
    return new Set([
      ...this.#tracked,
      ...(parsedConnections(this.server) ?? []),
      ...(this.upgraded ?? []),
    ])
  }

  readonly #onConnection = (socket: Socket): void => {
    this.#add(socket)
    this.listener?.opened(socket)
  }

  readonly #onSecure = (socket: Socket): void => {
    const raw = socketBelow(socket)
    this.#add(socket)
    if (raw === undefined || !this.#tracked.delete(raw)) this.listener?.opened(socket)
    else this.listener?.secured(raw, socket)
  }

  #add(socket: Socket): void {
    this.#tracked.add(socket)
    // One function for all connections, and not once(), which makes two more for each of them.
    socket.on('close', this.#onClose)
  }

  readonly #onClose = listenerOf((socket: Socket) => {
    if (!this.#tracked.delete(socket)) return
    this.listener?.closed(socket)
    if (this.#tracked.size === 0) this.#onEmpty?.()
  })
}

/** A listener that is called with its emitter. */
function listenerOf<E>(callback: (emitter: E) => void): (this: E) => void {
  return function () {
    callback(this)
  }
}
