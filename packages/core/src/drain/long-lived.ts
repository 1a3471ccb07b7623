import type { Socket } from 'node:net'
import type { EndedCounts, LongLivedKind } from '../base/types.ts'
import { Spread } from './spread.ts'

export interface LongLivedOptions {
  /** The ends are spread over so many milliseconds. */
  spread: number
  /** Milliseconds from the moment that a client was asked to leave until its connection is destroyed. */
  grace: number
  /**
   * Whether a client that leaves now comes back to the next process. If it came back to this one, it would have to
   * leave a second time.
   */
  mayLeave(socket: Socket): boolean
  /** Whether the next process may take the connection. Then its client is asked to leave only after {@link LongLivedConnections.stays}. */
  handsOver(socket: Socket): boolean
}

interface Open {
  readonly kind: LongLivedKind | undefined
  readonly end: (() => void) | undefined
  timer?: NodeJS.Timeout
}

/** The connections of a draining server that do not end by themselves: asks each of them to leave at its turn. */
export class LongLivedConnections {
  readonly counts: Record<LongLivedKind, EndedCounts> = {
    webSockets: none(),
    eventStreams: none(),
    tunnels: none(),
  }
  readonly #options: LongLivedOptions
  readonly #spread: Spread
  readonly #open = new Map<Socket, Open>()
  /** Those that may not leave yet. */
  readonly #waiting = new Set<Socket>()

  constructor(options: LongLivedOptions) {
    this.#options = options
    this.#spread = new Spread(options.spread)
  }

  /** Allows the first ones to be asked. */
  begin(): void {
    this.#spread.begin()
  }

  /** The connection counts as `kind` from now on. `end` asks it to leave, at its turn. */
  add(socket: Socket, kind: LongLivedKind | undefined, end?: () => void): void {
    if (this.#open.has(socket)) return
    this.#open.set(socket, { kind, end })
    if (!this.#options.handsOver(socket)) this.stays(socket)
  }

  /** The next process does not take the connection. */
  stays(socket: Socket): void {
    const { end } = this.#open.get(socket) ?? {}
    if (end === undefined) return
    if (this.#options.mayLeave(socket)) this.#spread.add(socket, end)
    else this.#waiting.add(socket)
  }

  /** Call it when other connections may leave than before. */
  look(): void {
    for (const socket of this.#waiting) {
      if (!this.#options.mayLeave(socket)) continue
      this.#waiting.delete(socket)
      const { end } = this.#open.get(socket) ?? {}
      if (end !== undefined) this.#spread.add(socket, end)
    }
  }

  /** The client was asked to leave: if it has not left after the grace, `expired` is called. */
  asked(socket: Socket, expired: () => void): void {
    const open = this.#open.get(socket)
    if (open === undefined || open.timer !== undefined) return
    open.timer = setTimeout(expired, this.#options.grace)
  }

  /** What the connection carried has ended. The connection itself may go on. */
  ended(socket: Socket, how: keyof EndedCounts = 'closed'): void {
    const open = this.#open.get(socket)
    if (open === undefined) return
    if (open.kind !== undefined) this.counts[open.kind][how] += 1
    clearTimeout(open.timer)
    this.#open.delete(socket)
    this.#waiting.delete(socket)
    this.#spread.delete(socket)
  }

  /** All that are left are cut. */
  cut(): void {
    for (const socket of this.#open.keys()) this.ended(socket, 'cut')
  }

  stop(): void {
    this.#spread.stop()
    for (const { timer } of this.#open.values()) clearTimeout(timer)
  }
}

const none = (): EndedCounts => ({ closed: 0, handedOver: 0, cut: 0 })
