import { once } from 'node:events'
import { StrictClient } from './strict-client.ts'

export interface WebSocketLoadOptions {
  port: number
  sockets: number
  /** The path of each. @default one of its own */
  path?: string
  /** Milliseconds between two messages of a client. @default 20 */
  every?: number
  /** Each so many messages are followed by a large one, in fragments with pings in between. @default none */
  largeEvery?: number
  /** The size of a large one in bytes. @default 300_000 */
  largest?: number
  /** Whether a client offers compression. @default false */
  compresses?: boolean
  /** @default 1 */
  seed?: number
}

/** What clients have noticed. */
export interface WebSocketLoadResult {
  sent: number
  echoed: number
  /** How many closed, by their code. */
  closed: Record<number, number>
  lost: number
  doubled: number
  disordered: number
  /** Of another content, of another connection, or with another count of messages. */
  wrong: number
  /** The processes that have answered. */
  processes: number
  /** The slowest echo in milliseconds. */
  slowest: number
}

/** Clients that send numbered messages, each echoed by the fixture `web-sockets.mjs`. */
export class WebSocketLoad {
  readonly #clients: StrictClient[]
  readonly #timer: NodeJS.Timeout

  private constructor(clients: StrictClient[], every: number) {
    this.#clients = clients
    this.#timer = setInterval(() => {
      for (const client of clients) client.tick()
    }, every)
  }

  /** Opens the clients, and starts to send. Each has an answer when it resolves. */
  static async start({
    sockets,
    every = 20,
    ...options
  }: WebSocketLoadOptions): Promise<WebSocketLoad> {
    const clients = Array.from(
      { length: sockets },
      (_, index) => new StrictClient({ index, ...options }),
    )
    await Promise.all(clients.map(({ ws }) => once(ws, 'open')))
    const load = new WebSocketLoad(clients, every)
    await Promise.all(clients.map((client) => client.answered()))
    return load
  }

  /** Has the server ping its clients, and end those that have not answered the ping before. */
  sweep(): void {
    this.#clients[0]?.send({ sweep: true })
  }

  /** Resolves when the process has answered each client that is still connected. */
  async servedBy(pid: number): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.servedBy(pid)))
  }

  /** Resolves with the codes when every client has been closed. */
  async allClosed(): Promise<number[]> {
    return await Promise.all(this.#clients.map(({ closed }) => closed))
  }

  /** Ends it when each client has an answer to its last message. */
  async stop(): Promise<WebSocketLoadResult> {
    clearInterval(this.#timer)
    await Promise.all(this.#clients.map((client) => client.finish()))
    const result: WebSocketLoadResult = {
      sent: 0,
      echoed: 0,
      closed: {},
      lost: 0,
      doubled: 0,
      disordered: 0,
      wrong: 0,
      processes: new Set(this.#clients.flatMap(({ processes }) => [...processes])).size,
      slowest: Math.round(Math.max(...this.#clients.map(({ slowest }) => slowest))),
    }
    for (const client of this.#clients) {
      for (const name of ['sent', 'echoed', 'lost', 'doubled', 'disordered', 'wrong'] as const) {
        result[name] += client[name]
      }
      const { code } = client
      if (code !== undefined) result.closed[code] = (result.closed[code] ?? 0) + 1
      client.end()
    }
    return result
  }
}

/** What a result must be if no client has noticed anything. */
export const NOTHING_NOTICED: Partial<WebSocketLoadResult> = {
  closed: {},
  lost: 0,
  doubled: 0,
  disordered: 0,
  wrong: 0,
}
