import { seededRandom } from '@socket-port/testkit/load/random'
import { WebSocket } from 'ws'

export interface StrictClientOptions {
  port: number
  index: number
  path?: string
  largeEvery?: number
  largest?: number
  compresses?: boolean
  seed?: number
}

/** An echo that is still to come. */
type Expected = { ordinal: number; sentAt: number } & ({ n: number } | { bytes: Buffer })

/** One client that knows what each echo must be. */
export class StrictClient {
  readonly ws: WebSocket
  /** Resolves with the code when the connection has closed. */
  readonly closed: Promise<number>
  code: number | undefined
  sent = 0
  echoed = 0
  doubled = 0
  disordered = 0
  wrong = 0
  slowest = 0
  readonly processes: Set<number> = new Set()
  readonly #options: Required<StrictClientOptions>
  readonly #random: () => number
  readonly #path: string
  readonly #expected: Expected[] = []
  /** Fragments of a large message that are still to be sent. */
  readonly #fragments: Buffer[] = []
  #lastAnsweredBy = 0
  #born: number | undefined
  #heard = new Set<() => void>()

  constructor(options: StrictClientOptions) {
    const { path = `/room/${options.index}` } = options
    this.#options = {
      path,
      largeEvery: 0,
      largest: 300_000,
      compresses: false,
      seed: 1,
      ...options,
    }
    const { port, index, compresses, seed } = this.#options
    this.#random = seededRandom(seed + index)
    this.#path = `${path}?of=${seed + index}`
    this.ws = new WebSocket(`ws://127.0.0.1:${port}${this.#path}`, 'chat', {
      perMessageDeflate: compresses,
    })
    this.ws.on('message', (data: Buffer, isBinary) => this.#onMessage(data, isBinary))
    // 'close' follows.
    this.ws.on('error', () => {})
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code) => {
        this.code = code
        resolve(code)
        this.#tellAll()
      })
    })
  }

  /** Echoes that have not come. */
  get lost(): number {
    return this.#expected.length
  }

  /** Sends the next message, or the next fragment of a large one. */
  tick(): void {
    const { ws } = this
    if (ws.readyState !== WebSocket.OPEN) return
    const fragment = this.#fragments.shift()
    if (fragment !== undefined) {
      ws.send(fragment, { binary: true, fin: this.#fragments.length === 0 })
      if (this.#fragments.length > 0) ws.ping(String(this.sent))
      return
    }
    const { largeEvery } = this.#options
    if (largeEvery > 0 && this.sent % largeEvery === largeEvery - 1) this.#startLarge()
    else this.send()
  }

  /** Sends the next message, with something that the server is to do. */
  send(what: { sweep?: true } = {}): void {
    if (this.ws.readyState !== WebSocket.OPEN || this.#fragments.length > 0) return
    const n = this.sent
    this.#expect({ n })
    this.ws.send(JSON.stringify({ n, ...what, padding: 'x'.repeat(this.#between(0, 200)) }))
  }

  /** Resolves when a process has answered, or the connection has closed. */
  async answered(): Promise<void> {
    await this.#until(() => this.#lastAnsweredBy !== 0)
  }

  /** Resolves when the process has answered, or the connection has closed. */
  async servedBy(pid: number): Promise<void> {
    await this.#until(() => this.#lastAnsweredBy === pid)
  }

  /** Resolves when the last echo has come, or the connection has closed. */
  async finish(): Promise<void> {
    while (this.#fragments.length > 0 && this.code === undefined) this.tick()
    this.send()
    await this.#until(() => this.#expected.length === 0)
  }

  end(): void {
    this.ws.terminate()
  }

  #startLarge(): void {
    const { largest } = this.#options
    const bytes = Buffer.alloc(this.#between(1, largest), `${this.sent} `)
    this.#expect({ bytes })
    for (let at = 0; at < bytes.length; ) {
      const end = at + this.#between(1, largest / 3)
      this.#fragments.push(bytes.subarray(at, end))
      at = end
    }
    this.tick()
  }

  #between(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1))
  }

  #expect(what: { n: number } | { bytes: Buffer }): void {
    this.sent += 1
    this.#expected.push({ ordinal: this.sent, sentAt: performance.now(), ...what })
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.echoed += 1
    const expected = this.#expected.shift()
    if (expected === undefined) this.doubled += 1
    else {
      this.slowest = Math.max(this.slowest, performance.now() - expected.sentAt)
      if ('bytes' in expected !== isBinary) this.disordered += 1
      else if ('bytes' in expected) this.wrong += expected.bytes.equals(data) ? 0 : 1
      else this.#onText(JSON.parse(String(data)), expected)
    }
    this.#tellAll()
  }

  #onText(
    { n, count, pid, born, url }: Record<string, unknown>,
    expected: { n: number; ordinal: number },
  ): void {
    if (Number(n) < expected.n) this.doubled += 1
    else if (Number(n) > expected.n) this.disordered += 1
    this.#born ??= Number(born)
    const isRight = count === expected.ordinal && born === this.#born && url === this.#path
    if (!isRight) this.wrong += 1
    this.#lastAnsweredBy = Number(pid)
    this.processes.add(Number(pid))
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds() && this.code === undefined) return
        this.#heard.delete(look)
        resolve()
      }
      this.#heard.add(look)
      look()
    })
  }

  #tellAll(): void {
    for (const look of [...this.#heard]) look()
  }
}
