import type { LoadPlan, Target } from './options.ts'
import type { ResponseReader } from './response.ts'
import type { Outcome, Phase } from './result.ts'

/** The requests of one client. The parts that are the same in each request are made once. */
export class RequestWriter {
  readonly #start: string
  readonly #end: string
  readonly #bodyBytes: number | undefined
  /** The body of the last request; `undefined` for a GET. */
  body: string | undefined

  constructor(plan: LoadPlan, target: Target, method: 'GET' | 'POST', close: boolean) {
    const host = target.path !== undefined ? 'localhost' : authority(target)
    const headers = Object.entries(plan.headers).map(([name, value]) => `${name}: ${value}\r\n`)
    this.#start = `${method} ${plan.path} HTTP/1.1\r\nHost: ${host}\r\n${headers.join('')}x-request-id: `
    this.#bodyBytes = method === 'POST' ? Math.max(plan.bodyBytes, 16) : undefined
    const length = this.#bodyBytes === undefined ? '' : `\r\nContent-Length: ${this.#bodyBytes}`
    this.#end = `${length}${close ? '\r\nConnection: close' : ''}\r\n\r\n`
  }

  /** The text of the request with this id. */
  write(id: string): string {
    const head = this.#start + id + this.#end
    if (this.#bodyBytes === undefined) return head
    this.body = id.padEnd(this.#bodyBytes, `.${id}`)
    return head + this.body
  }
}

/** The outcome of a request with a complete response, and what is wrong with the response. */
export function judge(
  reader: ResponseReader,
  plan: LoadPlan,
  id: string,
  sentBody: string | undefined,
): { outcome: Outcome; detail: string } {
  if (reader.error !== undefined) return { outcome: 'malformed', detail: reader.error }
  if (reader.status !== plan.expectStatus) {
    return { outcome: 'wrongStatus', detail: `status ${reader.status}` }
  }
  if (plan.expectId && reader.id !== id)
    return { outcome: 'wrongBody', detail: `id "${reader.id}"` }
  const expected = sentBody ?? plan.expectBody
  if (expected !== undefined && reader.body !== expected) {
    return { outcome: 'wrongBody', detail: `body "${reader.body.slice(0, 80)}"` }
  }
  return { outcome: 'ok', detail: '' }
}

/** The outcome of a request whose connection ended, by a FIN or an error, before the response was complete. */
export function judgeBroken(
  phase: Phase,
  error: NodeJS.ErrnoException | undefined,
): { outcome: Outcome; detail: string } {
  const detail = error?.code ?? error?.message ?? 'FIN'
  if (phase === 'rest of response') return { outcome: 'truncated', detail }
  if (error === undefined) return { outcome: 'noResponse', detail }
  if (error.code === 'ETIMEDOUT') return { outcome: 'timeout', detail }
  const reset = phase === 'response' || error.code === 'ECONNRESET' || error.code === 'EPIPE'
  return { outcome: reset ? 'reset' : 'refused', detail }
}

function authority({ host = '127.0.0.1', port }: Target): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
