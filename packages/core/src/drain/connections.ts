import type { Socket } from 'node:net'
import type { AnyServer } from '../types.ts'

export interface ConnectionListener {
  opened(socket: Socket): void
  /** A TLS handshake is done: from now on the connection is `socket`, no longer `raw`. */
  secured(raw: Socket, socket: Socket): void
  closed(socket: Socket): void
}

/**
 * The open connections of one server. Costs one array entry and one shared listener a connection,
 * and nothing for a request.
 */
export class Connections implements Iterable<Socket> {
  /** Told of every change; set while the server drains. */
  listener: ConnectionListener | undefined
  /** Told when the last one has closed. */
  onEmpty: (() => void) | undefined
  readonly #server: AnyServer
  // An array, and each socket's place in it: a Set costs a server of short connections measurable
  // time in the garbage collector (`bench throughput`).
  readonly #open: Socket[] = []
  readonly #place: symbol = Symbol('socket-port.place')
  readonly #onClose: (this: Socket) => void

  constructor(server: AnyServer) {
    const closed = (socket: Socket): void => {
      if (!this.#forget(socket)) return
      this.listener?.closed(socket)
      if (this.#open.length === 0) this.onEmpty?.()
    }
    this.#onClose = function onClose(this: Socket): void {
      closed(this)
    }
    this.#server = server
    // Only 'connection' sees a TLS handshake that is under way, only the other one the TLSSocket.
    server.on('connection', this.#onConnection).on('secureConnection', this.#onSecure)
  }

  get size(): number {
    return this.#open.length
  }

  /** Those that are open now, whatever happens to them meanwhile. */
  [Symbol.iterator](): IterableIterator<Socket> {
    return this.#open.slice().values()
  }

  stop(): void {
    this.#server.off('connection', this.#onConnection).off('secureConnection', this.#onSecure)
    this.listener = undefined
  }

  readonly #onConnection = (socket: Socket): void => {
    this.#track(socket)
    this.listener?.opened(socket)
  }

  readonly #onSecure = (socket: Socket & { _parent?: Socket }): void => {
    const raw = socket._parent
    this.#track(socket)
    if (raw === undefined || !this.#forget(raw)) {
      this.listener?.opened(socket)
    } else {
      raw.off('close', this.#onClose)
      this.listener?.secured(raw, socket)
    }
  }

  #track(socket: Socket): void {
    placed(socket)[this.#place] = this.#open.push(socket) - 1
    // Not once(), which wraps the listener for each: a socket closes only once.
    socket.on('close', this.#onClose)
  }

  #forget(socket: Socket): boolean {
    const place = placed(socket)[this.#place]
    if (place === undefined) return false
    placed(socket)[this.#place] = undefined
    // The last one takes its place.
    const last = this.#open.pop()
    if (last !== undefined && last !== socket) {
      this.#open[place] = last
      placed(last)[this.#place] = place
    }
    return true
  }
}

/** A socket as it bears its place; no type of a socket has room for a symbol of ours. */
type Placed = Record<symbol, number | undefined>
const placed = (socket: Socket): Placed => socket as unknown as Placed
