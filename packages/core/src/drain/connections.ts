import type { Socket } from 'node:net'
import type { AnyServer } from '../base/types.ts'
import { parsedConnections } from '../node/http-parser.ts'
import { isHttp1Server, isHttp2Server, isTlsServer } from '../node/server-kind.ts'
import { socketBelow } from '../node/tls-socket.ts'
import { Upgraded } from './protocols/upgraded.ts'

export interface ConnectionListener {
  opened(socket: Socket): void
  /** A TLS handshake is done: from now on `socket` stands for the connection, not `raw`. */
  secured(raw: Socket, socket: Socket): void
  /** The connection was upgraded to another protocol. */
  upgraded(socket: Socket): void
  closed(socket: Socket): void
}

/**
 * The open connections of one server. Node itself lists those of a plain HTTP/1.1 server; they are read when
 * the drain begins, and cost nothing until then. The connections of all other servers are tracked from
 * their start.
 */
export class Connections implements Iterable<Socket> {
  /** Told about every change; set while the server drains. */
  listener: ConnectionListener | undefined
  readonly #server: AnyServer
  readonly #followed = new Set<Socket>()
  readonly #upgraded: Upgraded | undefined
  #following = false
  /** {@link follow} was called: Node's own list is not enough. */
  #isNeeded = false
  #onEmpty: (() => void) | undefined

  constructor(server: AnyServer) {
    this.#server = server
    this.#track()
    if (!isHttp1Server(server) && !isHttp2Server(server)) return
    // An HTTP/2 server may speak HTTP/1.1 as well.
    this.#upgraded = new Upgraded(server)
    this.#upgraded.listener = (socket) => this.listener?.upgraded(socket)
    if (isTlsServer(server) || isHttp2Server(server)) return
    // Node sets its list up in its own listener of this event.
    if (server.listening) this.#leaveToNode()
    else server.once('listening', this.#leaveToNode)
  }

  get size(): number {
    return this.#following ? this.#followed.size : this.#all().size
  }

  /** Called when the last connection has closed. Setting it starts to track connections. */
  set onEmpty(callback: (() => void) | undefined) {
    this.#onEmpty = callback
    if (callback !== undefined) this.follow()
  }

  /** A snapshot of the open connections. */
  [Symbol.iterator](): IterableIterator<Socket> {
    return this.#all().values()
  }

  /** Tracks every connection from now on. */
  follow(): void {
    this.#isNeeded = true
    this.#server.off('listening', this.#leaveToNode)
    this.#track()
  }

  #track(): void {
    if (this.#following) return
    const open = this.#all()
    this.#following = true
    for (const socket of open) if (!this.#followed.has(socket)) this.#add(socket)
    // During a TLS handshake only 'connection' has fired; after it only 'secureConnection' has the TLSSocket.
    this.#server.on('connection', this.#onConnection).on('secureConnection', this.#onSecure)
  }

  stop(): void {
    this.#server.off('listening', this.#leaveToNode)
    this.#upgraded?.stop()
    this.#unfollow()
    this.listener = undefined
  }

  readonly #leaveToNode = (): void => {
    // Another listener of the same event may have called follow(): the event still comes here.
    if (this.#isNeeded || parsedConnections(this.#server) === undefined) return
    this.#following = false
    this.#unfollow()
  }

  #unfollow(): void {
    this.#server.off('connection', this.#onConnection).off('secureConnection', this.#onSecure)
  }

  #all(): Set<Socket> {
    const listed = this.#following ? [] : (parsedConnections(this.#server) ?? [])
    return new Set([...this.#followed, ...listed, ...(this.#upgraded ?? [])])
  }

  readonly #onConnection = (socket: Socket): void => {
    this.#add(socket)
    this.listener?.opened(socket)
  }

  readonly #onSecure = (socket: Socket): void => {
    const raw = socketBelow(socket)
    this.#add(socket)
    if (raw === undefined || !this.#followed.delete(raw)) this.listener?.opened(socket)
    else this.listener?.secured(raw, socket)
  }

  #add(socket: Socket): void {
    this.#followed.add(socket)
    socket.once('close', () => {
      if (!this.#followed.delete(socket)) return
      this.listener?.closed(socket)
      if (this.#followed.size === 0) this.#onEmpty?.()
    })
  }
}
