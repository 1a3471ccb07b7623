import { type Load, startLoad } from '@socket-port/testkit/load/load'
import type { LoadResult } from '@socket-port/testkit/load/result'
import { RawConnection } from '@socket-port/testkit/raw-connection'
import { handshake } from '@socket-port/testkit/raw-web-socket'
import { expect } from 'vitest'
import type { App } from './apps.ts'

/** All clients together. */
const CLIENTS = 30

/** A POST of text is what a page of another site could send, which SvelteKit and Astro refuse. */
const BINARY = { 'content-type': 'application/octet-stream' }

/** The clients of an app: half of them get, half of them post where the app takes that. */
export class Clients {
  readonly #loads: readonly Load[]

  private constructor(loads: readonly Load[]) {
    this.#loads = loads
  }

  /** Starts them; resolves when each has had a response. */
  static async start({ traits }: App, port: number): Promise<Clients> {
    const { path = '/', headers = {}, echo = '/echo' } = traits
    const common = { target: { port }, think: [0, 20], expectId: false } as const
    const gets = { ...common, path, headers, clients: echo === null ? CLIENTS : CLIENTS / 2 }
    const posts = { ...common, path: echo ?? '', headers: BINARY, clients: CLIENTS / 2 }
    const loads = [
      await startLoad(gets),
      ...(echo === null ? [] : [await startLoad({ ...posts, method: 'POST' })]),
    ]
    const clients = new Clients(loads)
    await clients.oneRequestEach()
    return clients
  }

  async oneRequestEach(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.oneRequestEach()))
  }

  /** The account of all of them. */
  async stop(): Promise<Noticed> {
    await this.oneRequestEach()
    return noticed(await Promise.all(this.#loads.map((load) => load.stop())))
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.dispose()))
  }
}

/** What clients have noticed of a restart. */
type Noticed = Pick<LoadResult, 'failures' | 'failed' | 'connections' | 'closedByServer'>

function noticed(results: readonly LoadResult[]): Noticed {
  const sum = (count: (result: LoadResult) => number): number =>
    results.reduce((total, result) => total + count(result), 0)
  return {
    failures: results.flatMap(({ failures }) => failures),
    failed: sum(({ failed }) => failed),
    connections: sum(({ connections }) => connections),
    closedByServer: sum(({ closedByServer }) => closedByServer),
  }
}

/** 0 failed, 0 closed: each client has had one connection all the time. */
export function expectNothingNoticed(result: Noticed): void {
  expect(result).toEqual({ failures: [], failed: 0, connections: CLIENTS, closedByServer: 0 })
}

/** The app has written no warning, but that of Node for what the framework itself does. */
export function expectNoWarning(output: string): void {
  const lines = output.split('\n').filter((line) => /warn|error/i.test(line))
  expect(lines.filter((line) => !/ \[DEP\d+\] |--trace-deprecation/.test(line))).toEqual([])
}

/** A response that streams the body of its request back, and has begun. */
export async function startStream(port: number, path: string): Promise<{ end(): Promise<void> }> {
  const connection = await RawConnection.open(port)
  const head = [
    'Host: test',
    'Content-Type: application/octet-stream',
    'Transfer-Encoding: chunked',
  ]
  connection.send(`POST ${path} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n5\r\nfirst\r\n`)
  await connection.receive(/^HTTP\/1\.1 20[01] [\s\S]*first/)
  return {
    async end() {
      connection.send('6\r\nsecond\r\n0\r\n\r\n')
      await connection.receive(/second\r\n0\r\n\r\n$/)
      connection.close()
    },
  }
}

/** An open WebSocket that gets back what it sends. */
export class WebSocketClient {
  readonly #connection: RawConnection

  private constructor(connection: RawConnection) {
    this.#connection = connection
  }

  static async open(port: number, path: string): Promise<WebSocketClient> {
    const connection = await RawConnection.open(port)
    connection.send(handshake(path))
    await connection.receive(/^HTTP\/1\.1 101 /)
    return new WebSocketClient(connection)
  }

  /** Resolves when it has come back. */
  async echo(text: string): Promise<void> {
    // The form that NestJS wants; the others send it back as it is.
    this.#send(0x1, Buffer.from(JSON.stringify({ event: 'echo', data: text })))
    await this.#connection.receive(new RegExp(text))
  }

  /** Resolves when the server has closed it in order, with the code 1001, "going away". */
  async goesAway(): Promise<void> {
    const code = Buffer.of(0x03, 0xe9)
    const frame = Buffer.concat([Buffer.of(0x88, code.length), code])
    await this.#connection.receive(new RegExp(frame.toString('latin1')))
    this.#send(0x8, code)
    await this.#connection.closed
  }

  /** One frame, masked with zeros. */
  #send(opcode: number, payload: Buffer): void {
    const head = Buffer.of(0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0)
    this.#connection.send(Buffer.concat([head, payload]))
  }
}
