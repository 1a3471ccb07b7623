import type { Socket } from 'node:net'

interface Idle {
  since: number
  /** Bytes that had been read when the connection fell idle. */
  bytesRead: number
  /** Milliseconds for which its client was promised that it stays open. */
  promise: number
}

/** The idle connections of a draining server, the longest idle first. */
export class IdleConnections implements Iterable<Socket> {
  readonly #idle = new Map<Socket, Idle>()

  get size(): number {
    return this.#idle.size
  }

  [Symbol.iterator](): IterableIterator<Socket> {
    return this.#idle.keys()
  }

  /** Milliseconds since the first of them fell idle; 0 if there is none. */
  get longest(): number {
    const [first] = this.#idle.values()
    return first === undefined ? 0 : performance.now() - first.since
  }

  add(socket: Socket, promise: number): void {
    // Delete it first: it is now the one that fell idle last.
    this.#idle.delete(socket)
    this.#idle.set(socket, { since: performance.now(), bytesRead: socket.bytesRead, promise })
  }

  /** Returns whether the connection was idle. */
  delete(socket: Socket): boolean {
    return this.#idle.delete(socket)
  }

  has(socket: Socket): boolean {
    return this.#idle.has(socket)
  }

  /** Whether no byte was read since the connection fell idle. */
  isSilent(socket: Socket): boolean {
    return this.#idle.get(socket)?.bytesRead === socket.bytesRead
  }

  promiseOf(socket: Socket): number {
    return this.#idle.get(socket)?.promise ?? 0
  }
}
