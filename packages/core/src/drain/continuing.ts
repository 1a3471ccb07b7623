import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { counted } from '../base/counted.ts'
import { throwLater } from '../base/throw-later.ts'
import { continuableOf } from '../continue/continuable.ts'
import { type StoredContinuation, toStored } from '../continue/stored.ts'
import { isFlushed, plainHandle } from '../node/tcp-handle.ts'
import { type ContinuedConnection, MOST_CONTINUED, type TransferTarget } from './idle/transfer.ts'

/**
 * How long in milliseconds to wait until a connection can be captured: at the first try, the second, the third.
 * Meanwhile nothing is read from its client. On a busy machine the program may have much to do with what was read
 * before.
 */
const PATIENCE = [500, 1_500, 4_500]

/**
 * The time between two tries in milliseconds. The connection is read meanwhile: its client may only be slow to read
 * what it was sent.
 */
const PAUSE = 500

/**
 * A batch of this many bytes takes no more connections: the bytes are serialized, encrypted and written in one turn of
 * the event loop, and are in memory several times then.
 */
const FULL = 16 * 1024 * 1024

const ENDED = 'it has ended'

/** The time between two looks at connections that cannot be captured yet, in milliseconds. */
const INTERVAL = 2

export interface ContinuingOptions {
  readonly target: Pick<TransferTarget, 'barrier' | 'sendContinued'>
  /** Resolves when the wait for connections in flight is given up. */
  readonly givenUp: Promise<void>
  /** The next process has the connection: closes the copy of this one. */
  handedOver(socket: Socket): void
  /** The connection stays in this process. */
  stays(socket: Socket): void
}

/**
 * Hands over the connections of a draining server that the next process continues: WebSockets and event streams. One that
 * cannot go stays whole in this process.
 */
export class Continuing {
  readonly #options: ContinuingOptions
  readonly #waiting = new Set<Socket>()
  /** Those that are not read any more, and since when. */
  readonly #suspended = new Map<Socket, number>()
  /** How often each connection was tried, if it could not be captured at the first try. */
  readonly #tries = new Map<Socket, number>()
  /** Why connections stayed, and how many. */
  readonly #reasons = new Map<string, number>()
  #state: 'resting' | 'running' | 'stopped' = 'resting'

  constructor(options: ContinuingOptions) {
    this.#options = options
  }

  /** Takes the connection, if the next process can continue it. */
  add(socket: Socket): boolean {
    if (this.#state === 'stopped' || continuableOf(socket) === undefined) return false
    if (plainHandle(socket) === undefined) return false
    this.#waiting.add(socket)
    void this.#run()
    return true
  }

  /** The connection has closed, or what it carried has ended. */
  delete(socket: Socket): void {
    this.#waiting.delete(socket)
    this.#tries.delete(socket)
    if (this.#suspended.delete(socket) && !socket.destroyed) continuableOf(socket)?.resume()
  }

  stop(): void {
    this.#state = 'stopped'
    for (const socket of this.#suspended.keys()) this.delete(socket)
    this.#waiting.clear()
    this.#tries.clear()
  }

  /** For a message: why connections stayed, and how many: `2 connections: ...; 1 connection: ...`; empty if none did. */
  get reasons(): string {
    return [...this.#reasons]
      .map(([reason, count]) => `${counted(count, 'connection')}: ${reason}`)
      .join('; ')
  }

  async #run(): Promise<void> {
    if (this.#state !== 'resting') return
    this.#state = 'running'
    const { target, givenUp } = this.#options
    await Promise.race([target.barrier.opened, givenUp])
    while (this.#state === 'running' && this.#waiting.size + this.#suspended.size > 0) {
      // Idle connections go first, and what is under way goes on in between.
      await new Promise(setImmediate)
      if (!this.#sendBatch()) await pause(INTERVAL)
    }
    if (this.#state === 'running') this.#state = 'resting'
  }

  /** Sends those that can be captured now. Returns whether there were any. */
  #sendBatch(): boolean {
    for (const socket of this.#waiting) {
      if (this.#suspended.size === MOST_CONTINUED) break
      this.#waiting.delete(socket)
      continuableOf(socket)?.suspend()
      this.#suspended.set(socket, performance.now())
    }
    const batch = new Map<Socket, ContinuedConnection>()
    let bytes = 0
    for (const [socket, since] of this.#suspended) {
      if (bytes >= FULL) break
      const continuation = this.#capture(socket, since)
      const fd = plainHandle(socket)?.fd
      if (typeof continuation === 'string') this.#stays(socket, continuation)
      else if (continuation !== undefined && fd !== undefined) {
        batch.set(socket, { fd, continuation })
        bytes += continuation.replay.length
      }
    }
    // What the program sent to one of them while another was captured must leave first.
    for (const socket of batch.keys()) if (!isFlushed(socket, socket)) batch.delete(socket)
    if (batch.size === 0) return false
    const sent = this.#options.target.sendContinued([...batch.values()])
    for (const socket of batch.keys()) {
      if (sent) this.#handedOver(socket)
      else this.#stays(socket, 'the queue to the next process takes no more')
    }
    return true
  }

  #capture(socket: Socket, since: number): StoredContinuation | string | undefined {
    const continuable = continuableOf(socket)
    if (continuable === undefined || plainHandle(socket) === undefined) return ENDED
    try {
      const captured = continuable.capture()
      if (typeof captured === 'object') return toStored(captured)
      if (captured !== undefined) return captured
    } catch (error) {
      return `it cannot be captured: ${error}`
    }
    const tries = this.#tries.get(socket) ?? 0
    const patience = PATIENCE[tries] ?? 0
    if (performance.now() - since <= patience) return undefined
    if (tries + 1 < PATIENCE.length) {
      this.#tryLater(socket, tries + 1)
      return undefined
    }
    const { waitsFor } = continuable
    const why = waitsFor === undefined ? '' : ` (${waitsFor})`
    return `it did not come to rest within ${patience} ms${why}`
  }

  /** Lets the connection be read for a while, and then tries it once more. */
  #tryLater(socket: Socket, tries: number): void {
    this.delete(socket)
    this.#tries.set(socket, tries)
    setTimeout(() => {
      if (this.#tries.has(socket) && !this.add(socket)) this.#stays(socket, ENDED)
    }, PAUSE)
  }

  #handedOver(socket: Socket): void {
    this.#suspended.delete(socket)
    this.#tries.delete(socket)
    try {
      continuableOf(socket)?.handedOver()
    } catch (error) {
      throwLater(error)
    }
    this.#options.handedOver(socket)
  }

  #stays(socket: Socket, reason: string): void {
    // A client that has closed its connection itself is no reason for a warning.
    if (reason !== ENDED) this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
    this.delete(socket)
    this.#options.stays(socket)
  }
}
