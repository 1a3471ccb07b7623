import { closeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { publish } from '../base/channels.ts'
import { counted } from '../base/counted.ts'
import type { AnyServer, Logger } from '../base/types.ts'
import { isHttp1Server, isTlsServer } from '../node/server-kind.ts'
import { takeConnection } from '../node/take-connection.ts'
import { whenAllListen } from '../notify/readiness.ts'
import { perProcess } from '../process/per-process.ts'
import { loadLibc } from '../sockets/libc.ts'
import { type BatchHeader, readBatchHeader } from './batch-header.ts'
import { fileLimit } from './file-limit.ts'
import { placeOf, placesHere } from './listeners-here.ts'
import { addressText, type LocalAddress, localAddress } from './local-address.ts'
import { expireUnused, type HttpServer } from './promise.ts'
import type { Next } from './signalled-queue.ts'

// As for stored sockets: a program may have something to do between its servers.
const GRACE = 10_000

/** A batch of connections of one server of the previous process. */
export interface Batch {
  header: BatchHeader
  fds: number[]
}

/**
 * The connections that come from the process before, and the servers that take them. A connection
 * belongs to the listener that its own local address fits: what its header says of the server that had
 * accepted it does not count, since that one may have moved, or another may listen first.
 */
export class Receiver {
  /** How many connections servers of this process have taken. */
  received = 0
  readonly #grace: number
  readonly #servers = new Set<HttpServer>()
  /** They listen, but take no connection. */
  readonly #others = new Set<AnyServer>()
  /** Batches for servers that do not listen yet. */
  readonly #waiting = new Set<Batch>()
  #stopped = false
  readonly #onStop = new Set<() => void>()
  /** Fallback for connections that no local server accepts: passes them to the next process. */
  #fallback: ((batch: Batch) => void) | undefined
  #warned = false
  /** For each server, how many connections it has taken since the last report. */
  readonly #unreported = new Map<HttpServer, number>()

  /** `grace`: milliseconds for which connections wait once all servers listen. */
  constructor(grace: number = GRACE) {
    this.#grace = grace
  }

  /** Lets the server take its connections from now on; returns a function that ends it. */
  join(server: AnyServer): () => void {
    if (!isHttp1Server(server) || isTlsServer(server)) {
      this.#others.add(server)
      return () => void this.#others.delete(server)
    }
    const http = server as HttpServer
    this.#servers.add(http)
    for (const batch of this.#waiting) {
      this.#place(batch)
      if (batch.fds.length === 0) this.#waiting.delete(batch)
    }
    return () => void this.#servers.delete(http)
  }

  /**
   * Takes the messages of a queue, one in each turn of the event loop. True: the queue is empty. False: this
   * process is about to end, and the rest stays for the next one.
   */
  async receive(next: Next, logger: Logger): Promise<boolean> {
    while (!this.#stopped && this.#takeOne(next, logger)) {
      // New connections are served in between.
      await nextTurn()
    }
    this.#report(logger)
    return !this.#stopped
  }

  /** Takes everything that waits in a queue which no other process will read. */
  takeAll(next: Next, logger: Logger): void {
    while (this.#takeOne(next, logger)) {}
    this.#report(logger)
  }

  /** Stops, except for {@link takeAll}, because the process shuts down. */
  stop(): void {
    this.#stopped = true
    const callbacks = [...this.#onStop]
    this.#onStop.clear()
    for (const callback of callbacks) callback()
  }

  /** Calls back when the process shuts down, at once if it does already. Returns a function that cancels it. */
  onStop(callback: () => void): () => void {
    if (this.#stopped) callback()
    else this.#onStop.add(callback)
    return () => void this.#onStop.delete(callback)
  }

  /**
   * Passes to `fallback` what no server of this process has taken, now and whenever more comes. It then owns
   * the descriptors.
   */
  forwardUnclaimed(fallback: (batch: Batch) => void): void {
    this.#fallback = fallback
    for (const batch of this.#waiting) fallback(batch)
    this.#waiting.clear()
  }

  #takeOne(next: Next, logger: Logger): boolean {
    // Read the limit first: after the message there may be no descriptor left to read it with.
    const limit = fileLimit()
    const message = next()
    if (message === undefined) return false
    if (message.truncated) this.#warnOfLimit(limit, logger)
    const header = readBatchHeader(message.bytes)
    if (header === undefined) message.fds.forEach(closeSync)
    else this.#accept({ header, fds: message.fds }, logger)
    return true
  }

  #warnOfLimit(limit: number | undefined, logger: Logger): void {
    if (this.#warned) return
    this.#warned = true
    const most = limit === undefined ? 'no more' : `no more than ${limit}`
    logger.warn(
      'not all connections of the process before are taken, and the rest is closed: this process may have ' +
        `${most} files open; raise LimitNOFILE= in the unit (ulimit -n) to what the connections need`,
    )
  }

  #accept(batch: Batch, logger: Logger): void {
    this.#place(batch)
    if (batch.fds.length === 0) return
    if (this.#fallback !== undefined) {
      this.#fallback(batch)
      return
    }
    this.#waiting.add(batch)
    whenAllListen(() => setTimeout(() => this.#expire(batch, logger), this.#grace).unref())
  }

  /** Gives each connection to the server that it belongs to; the batch keeps the others. */
  #place(batch: Batch): void {
    const places = placesHere(this.#servers, this.#others)
    const found = new Map<HttpServer, number[]>(Array.from(this.#servers, (server) => [server, []]))
    const left: number[] = []
    for (const fd of batch.fds) {
      const local = addressOf(fd)
      const server = local && placeOf(places, local)?.server
      if (local === undefined) closeSync(fd)
      else (found.get(server as HttpServer) ?? left).push(fd)
    }
    batch.fds = left
    for (const [server, fds] of found) this.#give(server, fds, batch.header)
  }

  #give(server: HttpServer, fds: readonly number[], { promise }: BatchHeader): void {
    const taken = fds.flatMap((fd) => takeConnection(server, fd) ?? [])
    if (taken.length === 0) return
    this.received += taken.length
    this.#unreported.set(server, (this.#unreported.get(server) ?? 0) + taken.length)
    expireUnused(server, taken, promise)
  }

  /** Closes the connections that no server of this process has taken. */
  #expire(batch: Batch, logger: Logger): void {
    if (!this.#waiting.delete(batch)) return
    const places = new Set<string>()
    for (const fd of batch.fds) {
      const local = addressOf(fd)
      if (local !== undefined) places.add(addressText(local))
      closeSync(fd)
    }
    logger.info(
      `closed ${counted(batch.fds.length, 'connection')} of the process before, made to ${[...places].join(', ')}: ` +
        'no server of this process takes connections there',
    )
  }

  #report(logger: Logger): void {
    for (const [server, connections] of this.#unreported) {
      publish.receive({ server, connections })
      logger.info(`received ${counted(connections, 'connection')} of the process before`)
    }
    this.#unreported.clear()
  }
}

/** `undefined` for what is no connection of TCP. */
function addressOf(fd: number): LocalAddress | undefined {
  try {
    return localAddress(loadLibc(), fd)
  } catch {
    return undefined
  }
}

// Every copy of this package in the process shares one: a queue is read only once.
const shared = perProcess<Receiver>('receiver/1')

export const receiver = (): Receiver => shared.get(() => new Receiver())
