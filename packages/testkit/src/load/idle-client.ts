import { now } from '../clock.ts'
import type { DelayLine } from './delay-line.ts'
import { judge, judgeBroken, RequestWriter } from './exchange.ts'
import type { Ledger } from './ledger.ts'
import { Link, type LinkOwner } from './link.ts'
import type { LoadPlan, Target } from './options.ts'
import { ResponseReader } from './response.ts'
import type { Outcome, Phase } from './result.ts'

/** A connection that sends one request, or none, and then nothing more. */
export class IdleClient implements LinkOwner {
  readonly #plan: LoadPlan
  readonly #ledger: Ledger
  readonly #line: DelayLine
  readonly #index: number
  readonly #target: Target
  readonly #writer: RequestWriter
  readonly #reader = new ResponseReader()
  #link: Link | undefined
  /** `undefined` once the connection is silent. */
  #phase: Phase | undefined
  #requests = 0
  #id = ''
  #wantedAt = 0
  #settled: () => void = () => {}

  constructor(plan: LoadPlan, ledger: Ledger, line: DelayLine, index: number) {
    this.#plan = plan
    this.#ledger = ledger
    this.#line = line
    this.#index = index
    this.#target = plan.target[index % plan.target.length] ?? {}
    this.#writer = new RequestWriter(plan, this.#target, 'GET', false)
  }

  /** Connects, unless it is connected. Resolves when its request has been answered, or it has failed. */
  open(): Promise<void> {
    if (this.#link !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#settled = resolve
      this.#requests += 1
      this.#id = `idle-${this.#index}-${this.#requests}`
      this.#wantedAt = now()
      this.#phase = 'connect'
      this.#link = new Link(this.#target, this.#line, this)
    })
  }

  close(): void {
    this.#link?.close()
    this.#link = undefined
  }

  expire(time: number, limit: number): void {
    if (this.#phase === undefined || time - this.#wantedAt < limit) return
    this.#fail('timeout', `no full response in ${Math.round(time - this.#wantedAt)} ms`)
  }

  opened(): void {
    this.#ledger.connected()
    if (this.#plan.idle.request) {
      this.#phase = 'response'
      this.#reader.reset()
      this.#link?.send(this.#writer.write(this.#id))
    } else {
      this.#silent()
    }
  }

  received(bytes: Buffer): void {
    if (this.#phase === undefined) {
      this.#closed('data')
    } else {
      this.#phase = 'rest of response'
      if (this.#reader.push(bytes)) this.#complete()
    }
  }

  ended(): void {
    if (this.#phase === undefined) this.#closed('fin')
    else this.#broken(undefined)
  }

  failed(error: NodeJS.ErrnoException): void {
    if (this.#phase === undefined) this.#closed('reset')
    else this.#broken(error)
  }

  #complete(): void {
    const { outcome, detail } = judge(this.#reader, this.#plan, this.#id, undefined)
    this.#phase = 'complete'
    this.#record(outcome, detail)
    if (outcome !== 'ok' || this.#reader.closes) {
      this.close()
      this.#settled()
    } else {
      this.#silent()
    }
  }

  #silent(): void {
    this.#phase = undefined
    this.#ledger.idle.open += 1
    this.#settled()
  }

  #closed(how: 'fin' | 'reset' | 'data'): void {
    this.#ledger.idleClosed(how)
    this.close()
  }

  #broken(error: NodeJS.ErrnoException | undefined): void {
    const { outcome, detail } = judgeBroken(this.#phase ?? 'complete', error)
    this.#fail(outcome, detail)
  }

  #fail(outcome: Outcome, detail: string): void {
    this.#record(outcome, detail)
    this.close()
    this.#settled()
  }

  #record(outcome: Outcome, detail: string): void {
    this.#ledger.ended({
      outcome,
      client: this.#index,
      id: this.#id,
      phase: this.#phase ?? 'complete',
      detail,
      wantedAt: this.#wantedAt,
      sinceLastResponse: null,
    })
  }
}
