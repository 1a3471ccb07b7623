/** How a request ended; everything but `ok` is a failure. */
export const OUTCOMES = [
  'ok',
  /** No connection: refused, or no socket file. */
  'refused',
  /** Reset before a byte of the response. */
  'reset',
  /** Closed before a byte of the response. */
  'noResponse',
  /** Closed or reset in the middle of the response. */
  'truncated',
  /** Not a well-formed HTTP/1.1 response, or more bytes than one response. */
  'malformed',
  'wrongStatus',
  /** Another body than expected, or the id of another request. */
  'wrongBody',
  'timeout',
] as const

export type Outcome = (typeof OUTCOMES)[number]

/** What a request was waiting for when it ended. */
export type Phase = 'connect' | 'response' | 'rest of response' | 'complete'

export interface Failure {
  readonly outcome: Exclude<Outcome, 'ok'>
  readonly client: number
  /** The request's `x-request-id`. */
  readonly id: string
  readonly phase: Phase
  /** The system's error code, the status, or what was wrong. */
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

/** What became of the silent connections. */
export interface IdleCounts {
  readonly open: number
  /** Closed in order, reset, or closed after bytes that nobody asked for. */
  readonly closed: { readonly fin: number; readonly reset: number; readonly data: number }
  readonly firstClosedAt: number | null
  readonly lastClosedAt: number | null
}

export interface LoadResult extends LoadCounts {
  readonly seconds: number
  /** Milliseconds from wanting to send to the full response, of a sample of the successful. */
  readonly latency: { p50: number; p90: number; p99: number; p999: number }
  readonly idle: IdleCounts
  /** The first 20. */
  readonly failures: readonly Failure[]
}
