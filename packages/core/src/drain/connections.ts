import type { Socket } from 'node:net'
import type { AnyServer } from '../types.ts'

export interface ConnectionListener {
  opened(socket: Socket): void
  /** A TLS handshake is done: from now on the connection is `socket`, no longer `raw`. */
  secured(raw: Socket, socket: Socket): void
  closed(socket: Socket): void
}

/**
 * The open connections of one server. Costs one set entry and one shared listener a connection,
 * and nothing for a request.
 */
export class Connections {
  readonly open: Set<Socket> = new Set()
  /** Told of every change; set while the server drains. */
  listener: ConnectionListener | undefined
  readonly #server: AnyServer
  readonly #onClose: (this: Socket) => void

  constructor(server: AnyServer) {
    const { open } = this
    const closed = (socket: Socket): void => {
      if (open.delete(socket)) this.listener?.closed(socket)
    }
    this.#onClose = function onClose(this: Socket): void {
      closed(this)
    }
    this.#server = server
    // Only 'connection' sees a TLS handshake that is under way, only the other one the TLSSocket.
    server.on('connection', this.#onConnection).on('secureConnection', this.#onSecure)
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
    if (raw === undefined || !this.open.delete(raw)) {
      this.listener?.opened(socket)
    } else {
      raw.off('close', this.#onClose)
      this.listener?.secured(raw, socket)
    }
  }

  #track(socket: Socket): void {
    this.open.add(socket)
    socket.once('close', this.#onClose)
  }
}
