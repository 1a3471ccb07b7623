import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2'
import { DelayedNetwork } from './delayed-network.ts'

export interface Http2LoadOptions {
  port: number
  /** TLS, with a certificate of this authority for `localhost`. */
  ca?: string
  /** Each has one session at a time. @default 10 */
  clients?: number
  /** Requests that each client has under way at a time. @default 1 */
  streams?: number
  /** `POST` sends a body; `mixed`: every second request. The server must send the id, or the body, back. @default 'mixed' */
  method?: 'GET' | 'POST' | 'mixed'
  /** Simulated network round trip in milliseconds. @default 0 */
  rtt?: number
}

export interface Http2Failure {
  readonly id: string
  /** The server has not handled the request, says the protocol: it is safe to send again (RFC 9113, 8.7). */
  readonly refused: boolean
  readonly detail: string
}

/**
 * Clients of `node:http2` that count each request that is not answered as it must be, and never send one again. They
 * leave a session that has got GOAWAY, as they must.
 */
export class Http2Load {
  requests = 0
  /** Sessions that were opened. */
  sessions = 0
  readonly failures: Http2Failure[] = []
  readonly #options: Required<Omit<Http2LoadOptions, 'ca'>> & { ca: string | undefined }
  readonly #network: DelayedNetwork | undefined
  readonly #open = new Set<ClientHttp2Session>()
  #loops: Promise<void>[] = []
  #stopped = false
  #waiting: { until: number; resolve(): void }[] = []

  private constructor(options: Http2LoadOptions, network: DelayedNetwork | undefined) {
    this.#network = network
    const { port, ca, clients = 10, streams = 1, method = 'mixed', rtt = 0 } = options
    this.#options = { port: network?.port ?? port, ca, clients, streams, method, rtt }
  }

  /** Starts a load; resolves when each client has been answered once. */
  static async start(options: Http2LoadOptions): Promise<Http2Load> {
    const { rtt = 0, port } = options
    const network = rtt === 0 ? undefined : await DelayedNetwork.open(port, rtt)
    const load = new Http2Load(options, network)
    const { clients, streams } = load.#options
    for (let client = 0; client < clients; client += 1) load.#startClient(client, streams)
    await load.more(clients * streams)
    return load
  }

  /** Resolves when so many more requests have ended. */
  more(requests: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ until: this.requests + requests, resolve })
    })
  }

  /** Lets the requests under way end, and closes everything. */
  async stop(): Promise<this> {
    this.#stopped = true
    await Promise.all(this.#loops)
    for (const session of this.#open) session.destroy()
    this.#network?.close()
    return this
  }

  #startClient(client: number, streams: number): void {
    let session: ClientHttp2Session | undefined
    const current = (): ClientHttp2Session => {
      if (session === undefined || session.closed || session.destroyed) session = this.#connect()
      return session
    }
    for (let stream = 0; stream < streams; stream += 1) {
      this.#loops.push(this.#loop(`${client}-${stream}`, current))
    }
  }

  async #loop(name: string, session: () => ClientHttp2Session): Promise<void> {
    for (let count = 0; !this.#stopped; count += 1) {
      await this.#request(session(), `${name}-${count}`, count)
      this.requests += 1
      for (const { until, resolve } of this.#waiting) if (this.requests >= until) resolve()
      this.#waiting = this.#waiting.filter(({ until }) => this.requests < until)
    }
  }

  async #request(session: ClientHttp2Session, id: string, count: number): Promise<void> {
    const { method } = this.#options
    const posts = method === 'POST' || (method === 'mixed' && count % 2 === 1)
    const body = posts ? id.padEnd(256, '.') : ''
    const stream = session.request({
      ':method': posts ? 'POST' : 'GET',
      ':path': '/',
      'x-request-id': id,
    })
    let status: unknown
    let answer = ''
    let detail: string | undefined
    stream.setEncoding('utf8').on('data', (text: string) => {
      answer += text
    })
    stream.once('response', (headers) => {
      status = headers[':status']
    })
    stream.on('error', ({ message }) => {
      detail = message
    })
    if (posts) stream.end(body)
    // A stream that its session has cancelled may tell of no error.
    await new Promise<void>((resolve) => stream.once('close', resolve))
    const expected = posts ? body : id
    if (status === 200 && answer === expected && detail === undefined) return
    const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM
    detail ??= `status ${status}, body "${answer}", closed with ${stream.rstCode}`
    this.failures.push({ id, refused, detail })
  }

  #connect(): ClientHttp2Session {
    const { port, ca } = this.#options
    const session =
      ca === undefined
        ? connectHttp2(`http://127.0.0.1:${port}`)
        : connectHttp2(`https://localhost:${port}`, { ca })
    this.sessions += 1
    this.#open.add(session)
    // Each of its requests fails too, and is counted.
    session.on('error', () => {})
    session.once('close', () => this.#open.delete(session))
    return session
  }
}
