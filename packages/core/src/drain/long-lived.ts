import type { EndedCounts, LongLivedKind } from '../base/types.ts'
import type { Carrier } from './protocols/carrier.ts'
import { Spread } from './spread.ts'

/**
 * The spread in milliseconds for the last ones: those that might not leave before accepting had stopped. Their
 * clients wait for a process that has not started, and all get through when it has. A longer spread would only delay
 * that.
 */
const LAST_SPREAD = 200

export interface LongLivedOptions {
  /** The ends are spread over so many milliseconds. */
  spread: number
  /** Milliseconds from the moment that a client was asked to leave until its connection is destroyed. */
  grace: number
  /**
   * Whether a client that leaves now comes back to the next process. If it came back to this one, it would have to
   * leave a second time.
   */
  mayLeave(carrier: Carrier): boolean
  /**
   * Whether the next process may take the carrier. Then its client is asked to leave only after
   * {@link LongLivedConnections.stays}.
   */
  handsOver(carrier: Carrier): boolean
}

interface Open {
  readonly kind: LongLivedKind | undefined
  readonly end: (() => void) | undefined
  timer?: NodeJS.Timeout
}

/**
 * The connections and streams of a draining server that do not end by themselves. Asks them to leave, spread over a
 * time.
 */
export class LongLivedConnections {
  readonly counts: Record<LongLivedKind, EndedCounts> = {
    webSockets: none(),
    eventStreams: none(),
    tunnels: none(),
  }
  readonly #options: LongLivedOptions
  readonly #spread: Spread
  readonly #lastSpread: Spread
  readonly #open = new Map<Carrier, Open>()
  /** Those that may not leave yet. */
  readonly #waiting = new Set<Carrier>()

  constructor(options: LongLivedOptions) {
    this.#options = options
    this.#spread = new Spread(options.spread)
    this.#lastSpread = new Spread(Math.min(options.spread, LAST_SPREAD))
  }

  /** Allows the first ones to be asked. */
  begin(): void {
    this.#spread.begin()
    this.#lastSpread.begin()
  }

  /**
   * The carrier counts as `kind` from now on. `end` asks it to leave, and is called when it is due. A carrier without
   * an `end` gets one by a second call.
   */
  add(carrier: Carrier, kind: LongLivedKind | undefined, end?: () => void): void {
    const before = this.#open.get(carrier)
    if (before !== undefined && (before.end !== undefined || end === undefined)) return
    this.#open.set(carrier, { kind, end })
    if (!this.#options.handsOver(carrier)) this.stays(carrier)
  }

  /** The next process does not take the carrier. */
  stays(carrier: Carrier): void {
    const { end } = this.#open.get(carrier) ?? {}
    if (end === undefined) return
    if (this.#options.mayLeave(carrier)) this.#spread.add(carrier, end)
    else this.#waiting.add(carrier)
  }

  /** Call it when other connections may leave than before. */
  look(): void {
    for (const carrier of this.#waiting) {
      if (!this.#options.mayLeave(carrier)) continue
      this.#waiting.delete(carrier)
      const { end } = this.#open.get(carrier) ?? {}
      if (end !== undefined) this.#lastSpread.add(carrier, end)
    }
  }

  /** The client was asked to leave: if it has not left after the grace, `expired` is called. */
  asked(carrier: Carrier, expired: () => void): void {
    const open = this.#open.get(carrier)
    if (open === undefined || open.timer !== undefined) return
    open.timer = setTimeout(expired, this.#options.grace)
  }

  /** What the connection carried has ended. The connection itself may go on. */
  ended(carrier: Carrier, how: keyof EndedCounts = 'closed'): void {
    const open = this.#open.get(carrier)
    if (open === undefined) return
    if (open.kind !== undefined) this.counts[open.kind][how] += 1
    clearTimeout(open.timer)
    this.#open.delete(carrier)
    this.#waiting.delete(carrier)
    this.#spread.delete(carrier)
    this.#lastSpread.delete(carrier)
  }

  /** All that are left are cut. */
  cut(): void {
    for (const carrier of this.#open.keys()) this.ended(carrier, 'cut')
  }

  stop(): void {
    this.#spread.stop()
    this.#lastSpread.stop()
    for (const { timer } of this.#open.values()) clearTimeout(timer)
  }
}

const none = (): EndedCounts => ({ closed: 0, handedOver: 0, cut: 0 })
