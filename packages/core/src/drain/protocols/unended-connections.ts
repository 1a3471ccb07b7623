import type { Socket } from 'node:net'

interface Seen {
  readonly bytesRead: number
  readonly since: number
}

/**
 * Connections without a request that the server has ended, and their clients have not. Node waits for the client, which may
 * sleep, or have left the network without a message. A client that is silent for `patience` milliseconds is not waited for.
 *
 * A client that still reads an earlier response is not silent: it sends WINDOW_UPDATE.
 */
export class UnendedConnections {
  readonly #patience: number
  readonly #expire: (socket: Socket) => void
  readonly #seen = new Map<Socket, Seen | undefined>()

  constructor(patience: number, expire: (socket: Socket) => void) {
    this.#patience = patience
    this.#expire = expire
  }

  add(socket: Socket): void {
    this.#seen.set(socket, undefined)
    socket.once('close', () => this.delete(socket))
  }

  /** The client has made a request. It may read the response slowly, until the deadline. */
  delete(socket: Socket): void {
    this.#seen.delete(socket)
  }

  look(): void {
    const now = performance.now()
    for (const [socket, seen] of this.#seen) {
      if (!socket.writableFinished) continue
      const { bytesRead } = socket
      if (seen?.bytesRead !== bytesRead) this.#seen.set(socket, { bytesRead, since: now })
      else if (now - seen.since >= this.#patience) this.#expire(socket)
    }
  }
}
