import { closeSync } from 'node:fs'
import { publish } from '../base/channels.ts'
import { counted } from '../base/counted.ts'
import { defaultLogger } from '../base/logger.ts'
import type { AnyServer, Logger, LongLivedKind } from '../base/types.ts'
import { perProcess } from '../process/per-process.ts'
import { KNOWN } from './batch-header.ts'
import { fileLimit } from './file-limit.ts'
import type { HttpServer } from './keep-alive-promise.ts'
import { readBatch } from './read-batch.ts'
import { Refusals } from './refusals.ts'
import type { Next } from './signalled-queue.ts'
import { type Batch, WaitingConnections } from './waiting-connections.ts'

/** Receives connections of the previous process from queues, and gives them to the servers of this process. */
export class Receiver {
  /** How many connections servers of this process have received. */
  received = 0
  /** Of these, the ones that do not end by themselves. */
  readonly receivedOf: Record<LongLivedKind, number> = {
    webSockets: 0,
    eventStreams: 0,
    tunnels: 0,
  }
  readonly #connections: WaitingConnections
  #stopped = false
  /** How many queues are being read. */
  #reading = 0
  readonly #onStop = new Set<() => void>()
  #warnedOfLimit = false
  /** For each server, what it has received since the last report. */
  readonly #unreported = new Map<HttpServer, Counts>()
  /** How many connections were refused since the last report, by what was seen in their headers. */
  readonly #refused = new Map<string, number>()
  /** Those that a program did not continue. */
  readonly #refusals = new Refusals()
  #logger = defaultLogger

  /** `grace`: milliseconds for which connections wait for a server once all servers listen. */
  constructor(grace?: number) {
    this.#connections = new WaitingConnections(
      (server, kind) => this.#given(server, kind),
      (reason) => this.#refusals.add(reason, this.#logger),
      grace,
    )
  }

  /** Lets the server receive its connections from now on. Returns a function that ends it. */
  join(server: AnyServer): () => void {
    const leave = this.#connections.join(server)
    // A queue that is being read reports them at its end.
    if (this.#reading === 0) this.#report(this.#logger)
    return leave
  }

  /**
   * Receives the messages of a queue, one in each turn of the event loop. True: the queue is empty. False:
   * this process is about to end, and the rest stays for the next one.
   */
  async receive(next: Next, logger: Logger): Promise<boolean> {
    this.#reading += 1
    try {
      while (!this.#stopped && this.#receiveOne(next, logger)) {
        // New connections are served in between.
        await new Promise(setImmediate)
      }
    } finally {
      this.#reading -= 1
      this.#report(logger)
    }
    return !this.#stopped
  }

  /** Receives everything that waits in a queue which no other process will read. */
  receiveAll(next: Next, logger: Logger): void {
    while (this.#receiveOne(next, logger)) {}
    this.#report(logger)
  }

  /** Stops receiving, except for {@link receiveAll}, because the process shuts down. */
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

  /** Passes connections that no server of this process has received to `fallback`, which then owns them. */
  forwardUnclaimed(fallback: (batch: Batch) => void): void {
    this.#connections.forward(fallback)
  }

  #receiveOne(next: Next, logger: Logger): boolean {
    // Read the limit first: after the message there may be no descriptor left to read it with.
    const limit = fileLimit()
    const message = next()
    if (message === undefined) return false
    if (message.fdsCut) this.#warnOfLimit(limit, logger)
    // The sender's probe has no descriptors, so there is nothing to take.
    if (message.fds.length === 0) return true
    this.#logger = logger
    const batch = readBatch(message)
    if (typeof batch !== 'string') this.#connections.add(batch, logger)
    else {
      // Close them, so that the clients see it: they would wait for an answer that no process gives.
      for (const fd of message.fds) closeSync(fd)
      add(this.#refused, batch, message.fds.length)
    }
    return true
  }

  #given(server: HttpServer, kind: LongLivedKind | undefined): void {
    this.received += 1
    if (kind !== undefined) this.receivedOf[kind] += 1
    const counts = this.#unreported.get(server) ?? none()
    this.#unreported.set(server, counts)
    counts[kind ?? 'idle'] += 1
  }

  #warnOfLimit(limit: number | undefined, logger: Logger): void {
    if (this.#warnedOfLimit) return
    this.#warnedOfLimit = true
    const most = limit === undefined ? 'no more' : `no more than ${limit}`
    logger.warn(
      'not all connections of the previous process are received, and the rest is closed: this process may have ' +
        `${most} files open; raise LimitNOFILE= in the unit (ulimit -n) to what the connections need`,
    )
  }

  #report(logger: Logger): void {
    for (const [server, { idle, ...continued }] of this.#unreported) {
      const connections = Object.values(continued).reduce((sum, count) => sum + count, idle)
      publish.receive({ server, connections, ...continued })
      logger.debug(`received ${listOf({ idle, ...continued })} of the previous process`)
    }
    this.#unreported.clear()
    for (const [seen, connections] of this.#refused) {
      logger.warn(
        `closed ${counted(connections, 'connection')} of the previous process: their batch has ${seen}, and this ` +
          `version of @socket-port/core takes ${KNOWN}. ` +
          "Restart once with drain: { idle: 'promise' } before you change to another version",
      )
    }
    this.#refused.clear()
  }
}

type Counts = Record<LongLivedKind | 'idle', number>

const none = (): Counts => ({ idle: 0, webSockets: 0, eventStreams: 0, tunnels: 0 })

const NAMES = {
  idle: 'connection',
  webSockets: 'WebSocket',
  eventStreams: 'event stream',
  tunnels: 'tunnel',
} satisfies Record<keyof Counts, string>

const listOf = (counts: Counts): string =>
  (Object.keys(NAMES) as (keyof Counts)[])
    .flatMap((kind) => (counts[kind] > 0 ? counted(counts[kind], NAMES[kind]) : []))
    .join(', ')

function add<K>(counts: Map<K, number>, key: K, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count)
}

// Every copy of this package in the process shares one: a queue is read only once.
const shared = perProcess<Receiver>('receiver/1')

export const receiver = (): Receiver => shared.get(() => new Receiver())
