import { once } from 'node:events'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { handshake } from '@socket-port/testkit/raw-web-socket'
import { EventSource } from 'eventsource'
import { io } from 'socket.io-client'
import { expect } from 'vitest'
import { WebSocket } from 'ws'

/** A client that has heard from the first process. */
interface Client {
  /** What it is told at the end of its connection. */
  readonly ended: Promise<unknown>
  /** What it hears first from another process, by itself where its library connects again. */
  readonly back: Promise<string>
}

const CONNECT = 'CONNECT test:1 HTTP/1.1\r\nHost: test:1\r\n\r\n'

/** Clients of each kind of the server `fixtures/long-lived.mjs`. All have heard from its first process. */
export class LongLivedClients {
  /** What the first process calls itself. */
  readonly old: string
  readonly #port: number
  readonly #closers: (() => void)[] = []
  #webSockets: readonly Client[] = []
  /** Socket.IO over either transport: why the client was disconnected, and the code of its WebSocket. */
  #socketIo: readonly Client[] = []
  #eventSources: readonly Client[] = []
  /** The bytes with which a WebSocket, an event stream and a tunnel end, or that they are closed without any. */
  #raw: readonly Pick<Client, 'ended'>[] = []

  private constructor(port: number, old: string) {
    this.#port = port
    this.old = old
  }

  static async open(port: number): Promise<LongLivedClients> {
    const clients = new LongLivedClients(port, await whoServes(port))
    const times = (count: number) => Array.from({ length: count })
    clients.#webSockets = await Promise.all(times(10).map(() => clients.#openWebSocket()))
    clients.#socketIo = await Promise.all([
      clients.#openSocketIo('websocket'),
      clients.#openSocketIo('polling'),
    ])
    clients.#eventSources = [await clients.#openEventSource()]
    clients.#raw = await Promise.all([
      clients.#openRaw(handshake('/ws'), /\r\n\r\n.+$/s),
      clients.#openRaw(get('/events'), /data: .*\n\n\r\n$/),
      clients.#openRaw(CONNECT, /\r\n\r\n\d+$/),
    ])
    return clients
  }

  /** Resolves when each client has seen the end of its connection, which must be the one of its protocol. */
  async expectProperEnds(): Promise<void> {
    expect(await endsOf(this.#webSockets)).toEqual(Array(10).fill(1001))
    expect(await endsOf(this.#socketIo)).toEqual([
      ['transport close', 1001],
      ['transport close', undefined],
    ])
    expect(await endsOf(this.#eventSources)).toEqual([EventSource.CONNECTING])
    expect(await endsOf(this.#raw)).toEqual(['\x88\x02\x03\xe9', '0\r\n\r\n', 'bye'])
  }

  /** The same for connections that are cut. `polling`: why the client of Socket.IO that polls is disconnected. */
  async expectCuts(polling: 'transport close' | 'transport error'): Promise<void> {
    expect(await endsOf(this.#webSockets)).toEqual(Array(10).fill(1006))
    expect(await endsOf(this.#socketIo)).toEqual([
      ['transport close', 1006],
      [polling, undefined],
    ])
    for (const end of await endsOf(this.#raw)) expect(end).toMatch(/^closed/)
  }

  /** Resolves when each client that comes back has heard from the next process. */
  async expectBackAt(next: string): Promise<void> {
    for (const { back } of [...this.#webSockets, ...this.#socketIo]) expect(await back).toBe(next)
    for (const { back } of this.#eventSources) {
      expect(await back).toBe(`${next}, after of ${this.old}`)
    }
  }

  close(): void {
    for (const close of this.#closers.splice(0)) close()
  }

  /**
   * What comes first from another process than the old one. A client may come back while that still accepts, or ask on a
   * connection that it has kept and that was not handed over yet. Then the old process answers, and ends that too.
   */
  #fromAnother(next: () => Promise<string>): Promise<string> {
    const another = async (): Promise<string> => {
      for (;;) {
        const said = await next()
        if (!said.startsWith(this.old)) return said
      }
    }
    const back = another()
    // Tests of clients that are cut do not wait for it.
    back.catch(() => {})
    return back
  }

  async #openWebSocket(): Promise<Client> {
    const open = async () => {
      const client = new WebSocket(`ws://127.0.0.1:${this.#port}/ws`)
      this.#closers.push(() => client.terminate())
      const ended = new Promise((resolve) => client.once('close', resolve))
      return { said: String((await once(client, 'message'))[0]), ended }
    }
    let current = await open()
    const { ended } = current
    const next = async (): Promise<string> => {
      await current.ended
      current = await open()
      return current.said
    }
    return { ended, back: this.#fromAnother(next) }
  }

  async #openSocketIo(transport: 'websocket' | 'polling'): Promise<Client> {
    const options = { transports: [transport], reconnectionDelay: 1, reconnectionDelayMax: 20 }
    const client = io(`http://127.0.0.1:${this.#port}`, { ...options, forceNew: true })
    this.#closers.push(() => client.close())
    const next = (): Promise<string> => new Promise((resolve) => client.once('who', resolve))
    await next()
    const ended = new Promise((resolve) =>
      client.once('disconnect', (reason, details) => {
        const { code } = (details as { context?: { code?: number } } | undefined)?.context ?? {}
        resolve([reason, code])
      }),
    )
    return { ended, back: ended.then(() => this.#fromAnother(next)) }
  }

  async #openEventSource(): Promise<Client> {
    const source = new EventSource(`http://127.0.0.1:${this.#port}/events`)
    this.#closers.push(() => source.close())
    const next = (): Promise<string> =>
      new Promise((resolve) =>
        source.addEventListener('message', ({ data }) => resolve(data), { once: true }),
      )
    await next()
    const ended = new Promise((resolve) =>
      source.addEventListener('error', () => resolve(source.readyState), { once: true }),
    )
    return { ended, back: ended.then(() => this.#fromAnother(next)) }
  }

  async #openRaw(request: string, answer: RegExp): Promise<Pick<Client, 'ended'>> {
    const client = await RawConnection.open(this.#port)
    this.#closers.push(() => client.close())
    client.send(request)
    await client.receive(answer)
    return { ended: client.receive(/./s).catch((error: Error) => error.message) }
  }
}

/** What the process calls itself that answers on a new connection. */
export async function whoServes(port: number): Promise<string> {
  const client = await RawConnection.open(port)
  client.send(get('/', 'Connection: close'))
  const answer = await client.receive(/\r\n\r\n\d+$/)
  client.close()
  return /\d+$/.exec(answer)?.[0] ?? ''
}

const endsOf = (clients: readonly Pick<Client, 'ended'>[]): Promise<unknown[]> =>
  Promise.all(clients.map(({ ended }) => ended))
