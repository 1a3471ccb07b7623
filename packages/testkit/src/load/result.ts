/** How a request ended; everything but `ok` is a failure. */
export const OUTCOMES = [
  'ok',
  /** No connection: it was refused, or there is no socket file. */
  'refused',
  /** The connection was reset before the first byte of the response. */
  'reset',
  /** The connection was closed before the first byte of the response. */
  'noResponse',
  /** The connection was closed or reset in the middle of the response. */
  'truncated',
  /** Not a well-formed HTTP/1.1 response, or more bytes than one response. */
  'malformed',
  'wrongStatus',
  /** The body is not the expected one, or the id is that of another request. */
  'wrongBody',
  'timeout',
] as const

export type Outcome = (typeof OUTCOMES)[number]

/** What the client was waiting for when the request ended. */
export type Phase = 'connect' | 'response' | 'rest of response' | 'complete'

export interface Failure {
  readonly outcome: Exclude<Outcome, 'ok'>
  readonly client: number
  /** The request's `x-request-id`. */
  readonly id: string
  readonly phase: Phase
  /** The error code of the system, the status, or a description. */
  readonly detail: string
  /** When, on the clock of `now()`. */
  readonly at: number
  /** Milliseconds since the client wanted to send it. */
  readonly after: number
  /** Milliseconds since this connection's last response; `null` on a fresh connection. */
  readonly sinceLastResponse: number | null
}

/** The longest wait for a response, or for its failure. */
export interface Stall {
  readonly ms: number
  /** When the client wanted to send the request, on the clock of `now()`. */
  readonly at: number
  readonly id: string
}

/** One request of a traced load. */
export interface TracedRequest {
  /** When the client wanted to send it, on the clock of `now()`. */
  readonly at: number
  /** Milliseconds until its complete response, or until it failed. */
  readonly ms: number
  readonly failed: boolean
}

/** Requests that ended in a span of time. */
export interface LoadCounts {
  readonly requests: number
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** All outcomes but `ok`. */
  readonly failed: number
  readonly connections: number
  /** Connections that the server closed while no request was under way; no failure. */
  readonly closedByServer: number
  readonly longestStall: Stall | null
}

/** How many of the silent connections are open, and how the others were closed. */
export interface IdleCounts {
  readonly open: number
  /** How many were closed by a FIN, by a reset, or after bytes without a request. */
  readonly closed: { readonly fin: number; readonly reset: number; readonly data: number }
  readonly firstClosedAt: number | null
  readonly lastClosedAt: number | null
}

export interface LoadResult extends LoadCounts {
  readonly seconds: number
  /** Milliseconds from when a request was due to its complete response, of a sample of the successful requests. */
  readonly latency: { p50: number; p90: number; p99: number; p999: number }
  readonly idle: IdleCounts
  /** The first 20. */
  readonly failures: readonly Failure[]
  /** Every request, in the order in which they ended, if the load has `trace`. */
  readonly trace: readonly TracedRequest[]
}
