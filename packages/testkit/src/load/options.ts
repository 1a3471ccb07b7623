/** The server that gets the requests. */
export interface Target {
  /** An IP address. @default '127.0.0.1' */
  host?: string
  port?: number
  /** A unix socket instead of host and port; `@name` is abstract. */
  path?: string
  /** TLS; the server's certificate must be signed by `ca` for `servername`. */
  tls?: { ca: string; servername: string }
}

export interface IdleOptions {
  /** Connections that stay silent. */
  clients: number
  /** Whether each makes one request before it falls silent. @default true */
  request?: boolean
}

export interface LoadOptions {
  /** One target, or several: the first client uses the first one, the second client the second one, and so on. */
  target: Target | readonly Target[]
  /** @default 50 */
  clients?: number
  /** One connection for all requests or one for each; `mixed`: every second client of a target. @default 'keep-alive' */
  connection?: 'keep-alive' | 'per-request' | 'mixed'
  /** `POST` sends a body that must come back; `mixed`: every second pair of them. @default 'GET' */
  method?: 'GET' | 'POST' | 'mixed'
  /** The request's path. @default '/' */
  path?: string
  /** Further headers of each request. @default {} */
  headers?: Readonly<Record<string, string>>
  /** Bytes of a POST body. @default 256 */
  bodyBytes?: number
  /** The exact body that a GET must return; unchecked when absent. */
  expectBody?: string
  /** @default 200 */
  expectStatus?: number
  /** Whether each response must have the `x-request-id` of its request. @default true */
  expectId?: boolean
  /** Milliseconds between a response and the next request, drawn evenly from the range. @default [0, 0] */
  think?: readonly [min: number, max: number]
  /** Simulated network round trip in milliseconds. @default 0 */
  rtt?: number
  /** Requests a second that all clients together do not exceed. */
  paced?: number
  /** Milliseconds from wanting to send a request to its last byte. @default 10_000 */
  timeout?: number
  /** Milliseconds that `stop` waits for the last responses. @default 10_000 */
  stopTimeout?: number
  /** Connections that stay silent beside the clients. */
  idle?: IdleOptions
  /** Seed of think times. @default 1 */
  seed?: number
  /** Whether the result tells of every request. @default false */
  trace?: boolean
}

/** The options with every default filled in. */
export interface LoadPlan extends Required<Omit<LoadOptions, 'expectBody' | 'paced'>> {
  target: readonly Target[]
  idle: Required<IdleOptions>
  expectBody: string | undefined
  paced: number | undefined
}

export function resolveOptions(options: LoadOptions): LoadPlan {
  return {
    target: [options.target].flat(),
    clients: options.clients ?? 50,
    connection: options.connection ?? 'keep-alive',
    method: options.method ?? 'GET',
    path: options.path ?? '/',
    headers: options.headers ?? {},
    bodyBytes: options.bodyBytes ?? 256,
    expectBody: options.expectBody,
    expectStatus: options.expectStatus ?? 200,
    expectId: options.expectId ?? true,
    think: options.think ?? [0, 0],
    rtt: options.rtt ?? 0,
    paced: options.paced,
    timeout: options.timeout ?? 10_000,
    stopTimeout: options.stopTimeout ?? 10_000,
    idle: { clients: options.idle?.clients ?? 0, request: options.idle?.request ?? true },
    seed: options.seed ?? 1,
    trace: options.trace ?? false,
  }
}
