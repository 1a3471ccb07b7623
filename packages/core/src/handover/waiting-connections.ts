import { closeSync, writeSync } from 'node:fs'
import type { Socket } from 'node:net'
import { counted } from '../base/counted.ts'
import type { AnyServer, Logger, LongLivedKind } from '../base/types.ts'
import { continueConnection } from '../continue/continue-connection.ts'
import type { StoredContinuation } from '../continue/stored.ts'
import { UNCLAIMED_GRACE } from '../listen/fd-store.ts'
import { isHttp1Server, isTlsServer } from '../node/server-kind.ts'
import { takeConnection } from '../node/take-connection.ts'
import { whenAllListen } from '../notify/readiness.ts'
import { loadLibc } from '../sockets/libc.ts'
import { expireUnused, type HttpServer } from './keep-alive-promise.ts'
import { listenerFor, listenersHere } from './listeners-here.ts'
import { type LocalAddress, localAddress, localAddressText } from './local-address.ts'

/** A connection of the previous process. */
export interface WaitingConnection {
  readonly fd: number
  /** What is needed to continue it; `undefined` for an idle one. */
  readonly continuation?: StoredContinuation | undefined
}

/** Connections of one server of the previous process. */
export interface Batch {
  /** The keep-alive promise of that server for idle connections, in milliseconds; 0: without end. */
  promise: number
  connections: readonly WaitingConnection[]
}

/**
 * Gives received connections to the servers of this process. A connection belongs to the listener that its
 * own local address fits, and waits until that one listens.
 */
export class WaitingConnections {
  readonly #grace: number
  readonly #given: (server: HttpServer, kind: LongLivedKind | undefined) => void
  readonly #refused: (reason: string) => void
  readonly #servers = new Set<HttpServer>()
  /** Servers that listen, but cannot receive connections: TLS, another protocol. */
  readonly #others = new Set<AnyServer>()
  readonly #batches = new Set<Batch>()
  /** Passes connections that no local server accepts to the next process. */
  #fallback: ((batch: Batch) => void) | undefined

  /**
   * `given` is called for each connection that a server has received, with the kind of one that is continued;
   * `refused` when the program did not continue it, or its server takes no more. `grace` is the number of
   * milliseconds for which connections wait once all servers listen.
   */
  constructor(
    given: (server: HttpServer, kind: LongLivedKind | undefined) => void,
    refused: (reason: string) => void,
    grace: number = UNCLAIMED_GRACE,
  ) {
    this.#given = given
    this.#refused = refused
    this.#grace = grace
  }

  /** Lets the server receive its connections from now on. Returns a function that ends it. */
  join(server: AnyServer): () => void {
    if (!isHttp1Server(server) || isTlsServer(server)) {
      this.#others.add(server)
      return () => void this.#others.delete(server)
    }
    const http = server as HttpServer
    this.#servers.add(http)
    for (const batch of this.#batches) {
      this.#place(batch)
      if (batch.connections.length === 0) this.#batches.delete(batch)
    }
    return () => void this.#servers.delete(http)
  }

  /** Adds connections. It owns the descriptors from now on. */
  add(batch: Batch, logger: Logger): void {
    this.#place(batch)
    if (batch.connections.length === 0) return
    if (this.#fallback !== undefined) {
      this.#fallback(batch)
      return
    }
    this.#batches.add(batch)
    whenAllListen(() => setTimeout(() => this.#expire(batch, logger), this.#grace).unref())
  }

  /**
   * Passes connections that no server of this process has received to `fallback`, now and whenever more of
   * them come. The fallback then owns the descriptors.
   */
  forward(fallback: (batch: Batch) => void): void {
    this.#fallback = fallback
    for (const batch of this.#batches) fallback(batch)
    this.#batches.clear()
  }

  /** Gives each connection to the server that it belongs to; the batch keeps the others. */
  #place(batch: Batch): void {
    const listeners = listenersHere(this.#servers, this.#others)
    const found = new Map<HttpServer, WaitingConnection[]>(
      Array.from(this.#servers, (server) => [server, []]),
    )
    const left: WaitingConnection[] = []
    for (const connection of batch.connections) {
      const local = addressOf(connection.fd)
      const server = local && listenerFor(listeners, local)?.server
      if (local === undefined) closeSync(connection.fd)
      else (found.get(server as HttpServer) ?? left).push(connection)
    }
    batch.connections = left
    for (const [server, connections] of found) this.#give(server, connections, batch.promise)
  }

  #give(server: HttpServer, connections: readonly WaitingConnection[], promise: number): void {
    const idle: Socket[] = []
    for (const { fd, continuation } of connections) {
      const socket = takeConnection(server, fd, () => {
        tell(fd, continuation?.refusal)
        this.#refused(`the server has as many as its maxConnections (${server.maxConnections})`)
      })
      if (socket === undefined) continue
      this.#given(server, continuation?.kind)
      if (continuation === undefined) idle.push(socket)
      else continueConnection(server, socket, continuation, (reason) => this.#refused(reason))
    }
    if (idle.length > 0) expireUnused(server, idle, promise)
  }

  /** Closes the connections that no server of this process has received. */
  #expire(batch: Batch, logger: Logger): void {
    if (!this.#batches.delete(batch)) return
    const addresses = new Set<string>()
    for (const { fd, continuation } of batch.connections) {
      const local = addressOf(fd)
      if (local !== undefined) addresses.add(localAddressText(local))
      closeConnection(fd, continuation?.refusal)
    }
    logger.info(
      `closed ${counted(batch.connections.length, 'connection')} of the previous process, made to ` +
        `${[...addresses].join(', ')}: no server of this process takes connections there`,
    )
  }
}

/** `undefined` for a descriptor that is no TCP connection. */
function addressOf(fd: number): LocalAddress | undefined {
  try {
    return localAddress(loadLibc(), fd)
  } catch {
    return undefined
  }
}

function closeConnection(fd: number, refusal: Uint8Array | undefined): void {
  tell(fd, refusal)
  closeSync(fd)
}

/** Sends the refusal to the client of a connection that was to be continued, as far as the kernel takes it at once. */
function tell(fd: number, refusal: Uint8Array | undefined): void {
  try {
    if (refusal !== undefined) writeSync(fd, refusal)
  } catch {
    // The client has left, or does not read.
  }
}
