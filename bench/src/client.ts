import { connect, type Socket } from 'node:net'

export const CONNECTIONS = ['keep-alive', 'one per request'] as const
export type Connections = (typeof CONNECTIONS)[number]

/** A load on one server, of a number of requests, that can be repeated at once. */
export interface Client {
  /** Makes this many requests. Resolves with the milliseconds that they took. */
  run(requests: number): Promise<number>
  close(): void
}

// Requests that are made at the same time.
const CLIENTS = 10
const HEAD = 'GET / HTTP/1.1\r\nHost: localhost\r\n'

/**
 * Opens a client. It does little besides sending and checking, so that the server is measured and not the client. It starts and
 * stops within microseconds, so that loads can alternate quickly.
 */
export async function openClient(port: number, connections: Connections): Promise<Client> {
  if (connections === 'one per request') {
    return { run: (requests) => together(requests, () => requestOnce(port)), close: () => {} }
  }
  const connected = await Promise.all(Array.from({ length: CLIENTS }, () => openKeptAlive(port)))
  return {
    run: (requests) => together(requests, (client) => (connected[client] as KeptAlive).request()),
    close: () => {
      for (const { socket } of connected) socket.destroy()
    },
  }
}

async function together(
  requests: number,
  request: (client: number) => Promise<void>,
): Promise<number> {
  let left = requests
  const work = async (client: number): Promise<void> => {
    while (left > 0) {
      left -= 1
      await request(client)
    }
  }
  const started = performance.now()
  await Promise.all(Array.from({ length: CLIENTS }, (_, client) => work(client)))
  return performance.now() - started
}

interface KeptAlive {
  readonly socket: Socket
  request(): Promise<void>
}

/** A connection that is kept alive. */
function openKeptAlive(port: number): Promise<KeptAlive> {
  const socket = connect(port, '127.0.0.1')
  let answered: () => void = () => {}
  let failed: (error: Error) => void = () => {}
  const answer = (resolve: () => void, reject: (error: Error) => void): void => {
    answered = resolve
    failed = reject
  }
  socket.on('data', (response) => (isComplete(response) ? answered() : failed(wrong(response))))
  socket.on('error', (error) => failed(error))
  const request = (): Promise<void> => {
    socket.write(`${HEAD}\r\n`)
    return new Promise(answer)
  }
  return new Promise((resolve, reject) => {
    failed = reject
    socket.once('connect', () => resolve({ socket, request }))
  })
}

/** Makes one request on a connection of its own, which the server closes. */
function requestOnce(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let complete = false
    socket.write(`${HEAD}Connection: close\r\n\r\n`)
    socket.on('data', (response) => {
      complete = isComplete(response)
      if (!complete) reject(wrong(response))
    })
    socket.on('error', reject)
    socket.on('close', () => (complete ? resolve() : reject(new Error('closed without an answer'))))
  })
}

// A response this small comes in one piece on loopback.
const isComplete = (response: Buffer): boolean =>
  response.toString('latin1', 0, 12) === 'HTTP/1.1 200' &&
  response.toString('latin1', response.length - 6) === 'hello\n'

const wrong = (response: Buffer): Error => new Error(`unexpected response: ${response}`)
