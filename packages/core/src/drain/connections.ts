import type { Socket } from 'node:net'
import type { AnyServer } from '../types.ts'
import { speaking } from './node-internals.ts'
import { isHttp1Server, isHttp2Server, isTlsServer } from './server-kind.ts'
import { Upgraded } from './upgraded.ts'

export interface ConnectionListener {
  opened(socket: Socket): void
  /** A TLS handshake is done: from now on the connection is `socket`, no longer `raw`. */
  secured(raw: Socket, socket: Socket): void
  /** It speaks another protocol from now on. */
  upgraded(socket: Socket): void
  closed(socket: Socket): void
}

/**
 * The open connections of one server. While a plain HTTP/1.1 server listens, Node itself lists them:
 * they are asked for when the drain begins, and cost nothing until then. All others are followed from
 * their start.
 */
export class Connections implements Iterable<Socket> {
  /** Told of every change; set while the server drains. */
  listener: ConnectionListener | undefined
  readonly #server: AnyServer
  readonly #followed = new Set<Socket>()
  readonly #upgraded: Upgraded | undefined
  #following = false
  #onEmpty: (() => void) | undefined

  constructor(server: AnyServer) {
    this.#server = server
    this.follow()
    if (!isHttp1Server(server) && !isHttp2Server(server)) return
    // An HTTP/2 server may speak HTTP/1.1 as well.
    this.#upgraded = new Upgraded(server)
    this.#upgraded.listener = (socket) => this.listener?.upgraded(socket)
    if (isTlsServer(server) || isHttp2Server(server)) return
    // Node's list begins with its own listener of this event.
    if (server.listening) this.#leaveToNode()
    else server.once('listening', this.#leaveToNode)
  }

  get size(): number {
    return this.#following ? this.#followed.size : this.#all().size
  }

  /** Told when the last one has closed: follows them from now on. */
  set onEmpty(callback: (() => void) | undefined) {
    this.#onEmpty = callback
    if (callback !== undefined) this.follow()
  }

  /** Those that are open now, whatever happens to them meanwhile. */
  [Symbol.iterator](): IterableIterator<Socket> {
    return this.#all().values()
  }

  /** Takes note of each change from now on. */
  follow(): void {
    this.#server.off('listening', this.#leaveToNode)
    if (this.#following) return
    const open = this.#all()
    this.#following = true
    for (const socket of open) if (!this.#followed.has(socket)) this.#add(socket)
    // Only 'connection' sees a TLS handshake that is under way, only the other one the TLSSocket.
    this.#server.on('connection', this.#onConnection).on('secureConnection', this.#onSecure)
  }

  stop(): void {
    this.#server.off('listening', this.#leaveToNode)
    this.#upgraded?.stop()
    this.#unfollow()
    this.listener = undefined
  }

  readonly #leaveToNode = (): void => {
    if (speaking(this.#server) === undefined) return
    this.#following = false
    this.#unfollow()
  }

  #unfollow(): void {
    this.#server.off('connection', this.#onConnection).off('secureConnection', this.#onSecure)
  }

  #all(): Set<Socket> {
    const listed = this.#following ? [] : (speaking(this.#server) ?? [])
    return new Set([...this.#followed, ...listed, ...(this.#upgraded ?? [])])
  }

  readonly #onConnection = (socket: Socket): void => {
    this.#add(socket)
    this.listener?.opened(socket)
  }

  readonly #onSecure = (socket: Socket & { _parent?: Socket }): void => {
    const raw = socket._parent
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
