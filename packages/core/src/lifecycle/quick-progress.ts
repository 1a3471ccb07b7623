import { counted } from '../base/counted.ts'
import { tellPerson } from '../base/logger.ts'
import type { DrainResult, Logger } from '../base/types.ts'
import { QUICK_TIMEOUT } from '../drain/drain.ts'
import { inFlight, type Left } from './connections-left.ts'
import { FIRST_REPORT } from './drain-progress.ts'

const INTERVAL = 1_000

/** What a person is told about a server that drains. */
export interface QuickServer {
  readonly logger: Logger
  readonly left: Left
  readonly timeout: number
}

/** Prints for a person at a terminal, once a second, what a quick drain waits for, and at last that it is over. */
export class QuickProgress {
  readonly #servers: readonly QuickServer[]
  readonly #canInterrupt: boolean
  readonly #began = performance.now()
  readonly #timers: readonly NodeJS.Timeout[]
  #hasSpoken = false

  /** @param canInterrupt The person has pressed Ctrl-C, and can press it again. */
  constructor(servers: readonly QuickServer[], canInterrupt: boolean) {
    this.#servers = servers
    this.#canInterrupt = canInterrupt
    const tell = (): void => this.#tell()
    this.#timers = [setTimeout(tell, FIRST_REPORT).unref(), setInterval(tell, INTERVAL).unref()]
  }

  /** Call it when everything is drained and the hooks have run. */
  end(results: readonly DrainResult[]): void {
    for (const timer of this.#timers) clearTimeout(timer)
    if (!this.#hasSpoken) return
    const cut = results.reduce((sum, { forced }) => sum + forced, 0)
    const seconds = ((performance.now() - this.#began) / 1000).toFixed(1)
    const what =
      cut === 0 ? 'nothing was cut' : `${counted(cut, 'request')} ${cut === 1 ? 'was' : 'were'} cut`
    this.#say(`stopped after ${seconds} s: ${what}`)
  }

  #tell(): void {
    const { what, count } = inFlight(this.#servers)
    if (count === 0) return
    this.#hasSpoken = true
    const limit = Math.max(...this.#servers.map(({ timeout }) => Math.min(timeout, QUICK_TIMEOUT)))
    const left = Math.max(1, Math.round((limit - (performance.now() - this.#began)) / 1000))
    const cut = this.#canInterrupt ? `; Ctrl-C again cuts ${count === 1 ? 'it' : 'them'}` : ''
    this.#say(`${what} in flight, up to ${left} s${cut}`)
  }

  #say(message: string): void {
    const [first] = this.#servers
    if (first !== undefined) tellPerson(first.logger, message)
  }
}
