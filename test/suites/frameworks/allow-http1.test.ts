import { type ClientHttp2Session, connect } from 'node:http2'
import { fileURLToPath } from 'node:url'
import { selfSigned } from '@socket-port/testkit/certificate'
import { openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import {
  type RestartOptions,
  type RestartResult,
  restartUnderLoad,
} from '@socket-port/testkit/restart'
import { afterAll, describe, expect, it } from 'vitest'
import { expectNothingLost, MODES } from '../load/restart-cases.ts'

const FIXTURE = fileURLToPath(new URL('../../fixtures/core-allow-http1.mjs', import.meta.url))
const { key, cert } = selfSigned()

afterAll(endProcesses)

/** Restarts the server under HTTP/1.1 clients that think, idle ones, and idle HTTP/2 sessions. */
async function restart(
  options: Pick<RestartOptions, 'mode' | 'stopTimeout'> & { env?: Record<string, string> },
): Promise<RestartResult & { statuses: unknown[] }> {
  const listener = openListener()
  const { port } = listener
  const sessions = new IdleSessions(port, 5)
  try {
    const result = await restartUnderLoad({
      ...options,
      fixture: FIXTURE,
      listener,
      restarts: 2,
      env: { KEY: key, CERT: cert, ...options.env },
      target: { port, tls: { ca: cert, servername: 'localhost' } },
      load: { clients: 30, method: 'mixed', think: [0, 20], rtt: 20 },
      idleClients: 5,
    })
    return { ...result, statuses: sessions.statuses }
  } finally {
    sessions.stop()
    listener.close()
  }
}

// They wait for most of the time.
describe.concurrent.each(MODES)('restarts of an HTTP/2 server with allowHTTP1, %s', (mode) => {
  it('lose no request of either protocol, and end when the promises do', async () => {
    const result = await restart({ mode })
    expectNothingLost(result)
    expect(result.total.idle.closed).toEqual({ fin: 10, reset: 0, data: 0 })
    // Far from the deadline of 25 s.
    for (const { signalToExit } of result.rows) expect(signalToExit).toBeLessThan(15_000)
    // Each session was opened at least once for each process.
    expect(result.statuses.length).toBeGreaterThanOrEqual(10)
    expect(new Set(result.statuses)).toEqual(new Set([200]))
  })
})

it('the same with plain server.close() loses requests', async () => {
  const { rows } = await restart({
    mode: 'overlap',
    env: { CLOSE: 'plain' },
    stopTimeout: 500,
  })
  for (const { failedBefore } of rows) expect(failedBefore).toBeGreaterThan(0)
})

/** Clients with one HTTP/2 session each: one request, then idle; opened anew when it has closed. */
class IdleSessions {
  readonly #port: number
  readonly #open = new Set<ClientHttp2Session>()
  /** Of each request that has ended: its status, or the error. */
  readonly statuses: unknown[] = []
  #stopped = false

  constructor(port: number, count: number) {
    this.#port = port
    for (let index = 0; index < count; index += 1) this.#connect()
  }

  /** Those that wait in the queue of the socket, which no process serves any more, are left out. */
  stop(): void {
    this.#stopped = true
    for (const session of this.#open) session.destroy()
  }

  #connect(): void {
    if (this.#stopped) return
    const session = connect(`https://localhost:${this.#port}`, { ca: cert })
    this.#open.add(session)
    const request = session.request({ ':path': '/' }).resume()
    const ended = (status: unknown): void => {
      if (!this.#stopped) this.statuses.push(status)
    }
    request.once('response', (headers) => ended(headers[':status'])).once('error', ended)
    session.once('error', ended).once('close', () => {
      this.#open.delete(session)
      this.#connect()
    })
  }
}
