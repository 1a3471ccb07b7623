import { now } from '../clock.ts'
import type { DelayLine } from './delay-line.ts'
import { judge, judgeBroken, RequestWriter } from './exchange.ts'
import type { Ledger } from './ledger.ts'
import { Link, type LinkOwner } from './link.ts'
import type { LoadPlan, Target } from './options.ts'
import { Pace } from './pace.ts'
import { ResponseReader } from './response.ts'
import type { Outcome, Phase } from './result.ts'

/** How long a client waits after a refused connection: without a wait it would use all of the CPU. */
const PAUSE_WHEN_REFUSED = 10

/** One client. It sends one request after the other, never again the same one, and the ledger counts each. */
export class Client implements LinkOwner {
  readonly #plan: LoadPlan
  readonly #ledger: Ledger
  readonly #line: DelayLine
  readonly #index: number
  readonly #target: Target
  readonly #perRequest: boolean
  readonly #writer: RequestWriter
  readonly #reader = new ResponseReader()
  readonly #pace: Pace
  readonly #finished: () => void
  #link: Link | undefined
  /** `undefined` between requests. */
  #phase: Phase | undefined
  /** The server has sent bytes without a request. */
  #unasked = false
  #id = ''
  #wantedAt = 0
  #lastResponseAt: number | null = null
  #timer: NodeJS.Timeout | undefined
  #stopping = false
  /** How many of its requests have ended. */
  count = 0

  constructor(
    plan: LoadPlan,
    ledger: Ledger,
    line: DelayLine,
    index: number,
    finished: () => void,
  ) {
    this.#plan = plan
    this.#ledger = ledger
    this.#line = line
    this.#index = index
    this.#finished = finished
    this.#target = plan.target[index % plan.target.length] ?? {}
    this.#pace = new Pace(plan, index)
    // Each target gets clients of every combination of connection and method.
    const rank = Math.floor(index / plan.target.length)
    const odd = rank % 2 === 1
    const oddPair = rank % 4 > 1
    this.#perRequest = plan.connection === 'mixed' ? odd : plan.connection === 'per-request'
    const post = plan.method === 'mixed' ? oddPair : plan.method === 'POST'
    this.#writer = new RequestWriter(plan, this.#target, post ? 'POST' : 'GET', this.#perRequest)
  }

  start(): void {
    this.#wait(this.#pace.first())
  }

  /** Sends no further request. `finished` is called when none is in flight. */
  stop(): void {
    this.#stopping = true
    if (this.#phase !== undefined) return
    clearTimeout(this.#timer)
    this.#finish()
  }

  /** Counts the request in flight as failed if it has taken `limit` milliseconds at the given time. */
  expire(time: number, limit: number): void {
    if (this.#phase === undefined || time - this.#wantedAt < limit) return
    this.#fail('timeout', `no full response in ${Math.round(time - this.#wantedAt)} ms`)
  }

  opened(): void {
    this.#ledger.connected()
    this.#send()
  }

  received(bytes: Buffer): void {
    if (this.#phase === undefined) {
      this.#unasked = true
      return
    }
    this.#phase = 'rest of response'
    if (this.#reader.push(bytes)) this.#complete()
  }

  failed(error: NodeJS.ErrnoException): void {
    this.#lost(error)
  }

  ended(): void {
    this.#lost(undefined)
  }

  #want(): void {
    this.#wantedAt = now()
    this.#id = `${this.#index}-${this.count + 1}`
    if (this.#unasked) {
      this.#phase = 'response'
      this.#fail('malformed', 'bytes that nobody asked for')
    } else if (this.#link !== undefined) {
      this.#send()
    } else {
      this.#phase = 'connect'
      this.#link = new Link(this.#target, this.#line, this)
    }
  }

  #send(): void {
    this.#phase = 'response'
    this.#reader.reset()
    this.#link?.send(this.#writer.write(this.#id))
  }

  #complete(): void {
    const { outcome, detail } = judge(this.#reader, this.#plan, this.#id, this.#writer.body)
    this.#phase = 'complete'
    const reusable = outcome === 'ok' || outcome === 'wrongStatus'
    this.#end(outcome, detail, !reusable || this.#perRequest || this.#reader.closes)
  }

  #lost(error: NodeJS.ErrnoException | undefined): void {
    if (this.#phase === undefined) {
      // The server closed an idle connection, and the client has noticed before its next request: none is lost.
      this.#ledger.closedByServer()
      this.#disconnect()
    } else {
      const { outcome, detail } = judgeBroken(this.#phase, error)
      this.#fail(outcome, detail)
    }
  }

  #fail(outcome: Outcome, detail: string): void {
    this.#end(outcome, detail, true)
  }

  #end(outcome: Outcome, detail: string, disconnect: boolean): void {
    const last = this.#lastResponseAt
    const sinceLastResponse = outcome === 'ok' || last === null ? null : now() - last
    this.#ledger.ended({
      outcome,
      client: this.#index,
      id: this.#id,
      phase: this.#phase ?? 'complete',
      detail,
      wantedAt: this.#wantedAt,
      sinceLastResponse,
    })
    this.count += 1
    this.#phase = undefined
    if (disconnect) this.#disconnect()
    else this.#lastResponseAt = now()
    if (this.#stopping) this.#finish()
    else this.#wait(outcome === 'refused' ? PAUSE_WHEN_REFUSED : this.#pace.next(this.#wantedAt))
  }

  #disconnect(): void {
    this.#link?.close()
    this.#link = undefined
    this.#unasked = false
    this.#lastResponseAt = null
  }

  #wait(ms: number): void {
    if (ms === 0) this.#want()
    else this.#timer = setTimeout(() => this.#want(), ms)
  }

  #finish(): void {
    this.#disconnect()
    this.#finished()
  }
}
