import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import {
  createServer as createNetServer,
  type ListenOptions,
  type Server,
  type Socket,
} from 'node:net'
import { selfSigned } from '@socket-port/testkit/certificate'
import { startLoad } from '@socket-port/testkit/load/load'
import type { LoadOptions } from '@socket-port/testkit/load/options'
import { seededRandom } from '@socket-port/testkit/load/random'
import { type LoadResult, OUTCOMES } from '@socket-port/testkit/load/result'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, describe, expect, test } from 'vitest'

const closers: (() => void)[] = []

afterEach(async () => {
  await endProcesses()
  for (const close of closers.splice(0)) close()
})

describe('a server that answers right', () => {
  test.each([
    { connection: 'keep-alive', method: 'GET' },
    { connection: 'keep-alive', method: 'POST' },
    { connection: 'per-request', method: 'GET' },
    { connection: 'per-request', method: 'POST' },
    { connection: 'mixed', method: 'mixed', rtt: 20, think: [0, 20] as const },
  ] as const)('loses nothing: %o', async (options) => {
    let served = 0
    const target = await serveHttp((request, response) => {
      served += 1
      echoId(request, response)
      request.pipe(response)
    })
    const load = await startLoad({ target, ...options })
    await load.moreRequests(1_000)
    const result = await load.stop()
    expect(result.failures).toEqual([])
    expect(result.failed).toBe(0)
    expect(result.outcomes.ok).toBe(result.requests)
    expect(result.requests).toBe(served)
    expect(result.requests).toBeGreaterThanOrEqual(1_000)
    if (options.connection === 'keep-alive') expect(result.connections).toBe(50)
    if (options.connection === 'per-request') expect(result.connections).toBe(result.requests)
  })

  test('loses nothing over IPv6, a unix socket, an abstract one and TLS', async () => {
    const { key, cert } = selfSigned()
    const tls = { ca: cert, servername: 'localhost' }
    const answer: RequestListener = (request, response) => {
      echoId(request, response)
      request.pipe(response)
    }
    const ipv6 = await listening(createServer(answer), { host: '::1', port: 0 })
    const path = `/tmp/socket-port-load-${process.pid}.sock`
    await listening(createServer(answer), { path })
    await listening(createServer(answer), { path: `\0socket-port-load-${process.pid}` })
    const secure = await listening(createTlsServer({ key, cert }, answer), { port: 0 })
    const load = await startLoad({
      target: [
        { host: '::1', port: ipv6 },
        { path },
        { path: `@socket-port-load-${process.pid}` },
        { port: secure, tls },
      ],
      clients: 16,
      connection: 'mixed',
      method: 'mixed',
    })
    await load.oneRequestEach()
    await load.moreRequests(500)
    const result = await load.stop()
    expect(result.failures).toEqual([])
    expect(result.failed).toBe(0)
  })

  test('may close an idle connection: the client sees it and opens another', async () => {
    let closed = 0
    const target = await serveHttp((request, response) => {
      echoId(request, response)
      response.end('ok')
      closed += 1
      // With the response, so that the client has seen it before it thinks of its next request.
      request.socket.end()
    })
    const load = await startLoad({ target, clients: 10, think: [20, 40] })
    await load.moreRequests(100)
    const result = await load.stop()
    expect(result.failed).toBe(0)
    expect(result.connections).toBe(result.requests)
    expect(result.closedByServer).toBeGreaterThanOrEqual(90)
    expect(result.closedByServer).toBeLessThanOrEqual(closed)
  })
})

describe('a fault of the server is counted', () => {
  test('connections destroyed in mid-response: truncated, one for one', async () => {
    let served = 0
    let destroyed = 0
    const target = await serveHttp((request, response) => {
      served += 1
      echoId(request, response)
      if (served % 50 !== 0) {
        response.end('a whole body')
        return
      }
      destroyed += 1
      const chunked = destroyed % 2 === 0
      if (!chunked) response.setHeader('content-length', 100)
      response.write('half a body', () => request.socket.destroy())
    })
    const result = await loadOf({ target, connection: 'mixed' }, 1_000)
    expect(destroyed).toBeGreaterThanOrEqual(20)
    expect(result.outcomes).toMatchObject({
      truncated: destroyed,
      ok: result.requests - destroyed,
    })
  })

  test('idle connections closed without Connection: close: no response, when a request crosses the FIN', async () => {
    const random = seededRandom(1)
    const target = await serveHttp((request, response) => {
      echoId(request, response)
      response.end('ok')
      if (random() > 0.1) return
      response.once('finish', () => setTimeout(() => request.socket.destroy(), random() * 20))
    })
    const result = await loadOf({ target, rtt: 20, think: [0, 20] }, 1_000)
    const { noResponse, reset, ok } = result.outcomes
    expect(noResponse + reset).toBeGreaterThan(0)
    expect(noResponse + reset + ok).toBe(result.requests)
    expect(result.closedByServer).toBeGreaterThan(0)
    expect(result.failures[0]).toMatchObject({ phase: 'response' })
    expect(result.failures[0]?.sinceLastResponse).toBeGreaterThan(0)
  })

  test('connections reset before the response: reset', async () => {
    let resets = 0
    let served = 0
    const target = await serveHttp((request, response) => {
      served += 1
      echoId(request, response)
      if (served % 10 !== 0) {
        response.end()
        return
      }
      resets += 1
      request.socket.resetAndDestroy()
    })
    const result = await loadOf({ target }, 500)
    expect(result.outcomes).toMatchObject({ reset: resets, ok: result.requests - resets })
    expect(result.failures[0]).toMatchObject({ outcome: 'reset', detail: 'ECONNRESET' })
  })

  test('a wrong status', async () => {
    let served = 0
    let refused = 0
    const target = await serveHttp((request, response) => {
      served += 1
      echoId(request, response)
      if (served % 5 === 0) {
        refused += 1
        response.statusCode = 503
      }
      response.end()
    })
    const result = await loadOf({ target }, 500)
    expect(result.outcomes).toMatchObject({ wrongStatus: refused, ok: result.requests - refused })
    expect(result.failures[0]?.detail).toBe('status 503')
  })

  test('the response to another request, and a body that is not the one sent', async () => {
    let wrongId = 0
    let wrongBody = 0
    let served = 0
    const target = await serveHttp((request, response) => {
      served += 1
      if (served % 4 === 0) {
        wrongId += 1
        response.setHeader('x-request-id', '0-0')
        request.pipe(response)
      } else {
        echoId(request, response)
        if (served % 4 === 1) wrongBody += 1
        if (served % 4 === 1) request.resume().on('end', () => response.end('another body'))
        else request.pipe(response)
      }
    })
    const result = await loadOf({ target, method: 'POST' }, 500)
    const wrong = wrongId + wrongBody
    expect(result.outcomes).toMatchObject({ wrongBody: wrong, ok: result.requests - wrong })
  })

  test('a GET whose body is not the expected one', async () => {
    const target = await serveHttp((request, response) => {
      echoId(request, response)
      response.end('salt')
    })
    const wrong = await loadOf({ target, expectBody: 'pepper' }, 100)
    expect(wrong.outcomes.wrongBody).toBe(wrong.requests)
    const right = await loadOf({ target, expectBody: 'salt' }, 100)
    expect(right.outcomes.ok).toBe(right.requests)
  })

  test('nobody listening: refused', async () => {
    const path = `/tmp/socket-port-nobody-${process.pid}.sock`
    const result = await loadOf({ target: [{ port: freePort() }, { path }], clients: 10 }, 100)
    expect(result.outcomes.refused).toBe(result.requests)
    const details = new Set(result.failures.map((failure) => failure.detail))
    expect(details).toEqual(new Set(['ECONNREFUSED', 'ENOENT']))
    expect(result.connections).toBe(0)
  })

  test('no answer: timeout', async () => {
    const target = await serveHttp(() => {})
    const result = await loadOf({ target, clients: 10, timeout: 200, stopTimeout: 1_000 }, 20)
    expect(result.outcomes.timeout).toBe(result.requests)
    expect(result.longestStall?.ms).toBeGreaterThanOrEqual(200)
    // Less than the time-out by default.
    expect(result.longestStall?.ms).toBeLessThan(10_000)
  })

  test('bytes that nobody asked for: malformed', async () => {
    const target = await serveHttp((request, response) => {
      echoId(request, response)
      response.end('ok')
      response.once('finish', () => request.socket.write('HTTP/1.1 408 Request Timeout\r\n\r\n'))
    })
    const result = await loadOf({ target, clients: 10, think: [10, 20] }, 100)
    expect(result.outcomes.malformed).toBeGreaterThan(0)
    expect(result.outcomes.ok + result.outcomes.malformed).toBe(result.requests)
  })

  test('a certificate that the client does not trust: no connection', async () => {
    const { key, cert } = selfSigned()
    const server = createTlsServer({ key, cert }, (_, response) => response.end())
    const port = await listening(server, { port: 0 })
    const tls = { ca: selfSigned().cert, servername: 'localhost' }
    const result = await loadOf({ target: { port, tls }, clients: 2 }, 4)
    expect(result.outcomes.refused).toBe(result.requests)
  })
})

describe('idle connections', () => {
  test('are open beside the load, and how they end is no failure', async () => {
    const sockets = new Set<Socket>()
    const server = createServer((request, response) => {
      echoId(request, response)
      response.end()
      if (String(request.headers['x-request-id']).startsWith('idle')) sockets.add(request.socket)
    })
    const port = await listening(server, { port: 0 })
    const load = await startLoad({ target: { port }, clients: 5, idle: { clients: 9 } })
    expect(sockets.size).toBe(9)
    expect((await load.snapshot()).idle).toMatchObject({ open: 9, firstClosedAt: null })
    const [first, second, third, ...others] = sockets
    first?.destroy()
    second?.resetAndDestroy()
    third?.end('HTTP/1.1 408 Request Timeout\r\n\r\n')
    await load.oneRequestEach()
    const { idle } = await load.snapshot()
    expect(idle).toMatchObject({ open: others.length, closed: { fin: 1, reset: 1, data: 1 } })
    expect(idle.firstClosedAt).not.toBeNull()
    await load.openIdle()
    expect(sockets.size).toBe(12)
    expect((await load.snapshot()).idle.open).toBe(9)
    const result = await load.stop()
    expect(result.failed).toBe(0)
    expect(result.idle.open).toBe(9)
  })

  test('need not send a byte', async () => {
    let connections = 0
    let all: () => void
    const accepted = new Promise<void>((resolve) => {
      all = resolve
    })
    const server = createNetServer(() => {
      connections += 1
      if (connections === 250) all()
    })
    const port = await listening(server, { port: 0 })
    const idle = { clients: 250, request: false }
    const load = await startLoad({ target: { port }, clients: 0, idle })
    await accepted
    const result = await load.stop()
    expect(result).toMatchObject({ requests: 0, connections: 250, idle: { open: 250 } })
    expect(connections).toBe(250)
  })
})

describe('the counts', () => {
  test('have every outcome, and parts of the time add up to the total', async () => {
    let served = 0
    const target = await serveHttp((request, response) => {
      served += 1
      echoId(request, response)
      response.statusCode = served % 7 === 0 ? 500 : 200
      response.end()
    })
    const load = await startLoad({ target, clients: 10 })
    await load.moreRequests(200)
    const first = await load.countsSinceLast()
    await load.moreRequests(200)
    const second = await load.countsSinceLast()
    expect(second.requests).toBeGreaterThanOrEqual(200)
    const total = await load.stop()
    const third = total.requests - first.requests - second.requests
    expect(third).toBeGreaterThanOrEqual(0)
    expect(total.failed).toBeGreaterThanOrEqual(first.failed + second.failed)
    const sum = OUTCOMES.reduce((all, outcome) => all + total.outcomes[outcome], 0)
    expect(sum).toBe(total.requests)
    expect(total.failures).toHaveLength(20)
  })

  test('name the request that waited longest', async () => {
    let held: ServerResponse | undefined
    let heldId: string | undefined
    let after = 0
    const target = await serveHttp((request, response) => {
      echoId(request, response)
      after += 1
      if (after === 50) {
        held = response
        heldId = String(request.headers['x-request-id'])
        return
      }
      response.end()
      if (after === 2_000) held?.end()
    })
    const result = await loadOf({ target, clients: 10 }, 3_000)
    expect(result.failed).toBe(0)
    expect(result.longestStall?.id).toBe(heldId)
  })

  test('one request of each client: waits for the slowest client', async () => {
    const held: ServerResponse[] = []
    let release = false
    const target = await serveHttp((request, response) => {
      echoId(request, response)
      const slow = String(request.headers['x-request-id']).startsWith('3-')
      if (slow && !release) held.push(response)
      else response.end()
    })
    const load = await startLoad({ target, clients: 5 })
    let over = false
    const oneEach = load.oneRequestEach().then(() => {
      over = true
    })
    await load.moreRequests(500)
    expect(over).toBe(false)
    release = true
    for (const response of held) response.end()
    await oneEach
    expect((await load.stop()).failed).toBe(0)
  })

  test('a paced load keeps its pace', async () => {
    const target = await serveHttp((request, response) => {
      echoId(request, response)
      response.end()
    })
    const result = await loadOf({ target, clients: 20, paced: 200 }, 300)
    expect(result.requests / result.seconds).toBeLessThan(220)
  })

  test('a simulated round trip delays the connect and the response', async () => {
    const target = await serveHttp((request, response) => {
      echoId(request, response)
      response.end()
    })
    const kept = await loadOf({ target, clients: 5, rtt: 20 }, 50)
    expect(kept.latency.p50).toBeGreaterThanOrEqual(20)
    const fresh = await loadOf({ target, clients: 5, rtt: 20, connection: 'per-request' }, 50)
    expect(fresh.latency.p50).toBeGreaterThanOrEqual(40)
  })
})

describe('stop', () => {
  test('lets the requests under way finish', async () => {
    const { target, held, allHeld } = await holding(10)
    const load = await startLoad({ target, clients: 10 })
    await allHeld
    const stopped = load.stop()
    // Answered after `stop` was taken in: the channel keeps the order.
    await load.snapshot()
    for (const response of held) response.end()
    expect(await stopped).toMatchObject({ requests: 10, failed: 0 })
  })

  test('gives up on them in the end', async () => {
    const { target, allHeld } = await holding(10)
    const load = await startLoad({ target, clients: 10, stopTimeout: 200 })
    await allHeld
    expect(await load.stop()).toMatchObject({ requests: 10, outcomes: { timeout: 10 } })
  })

  test('a load whose process is gone says so', async () => {
    const { target, allHeld } = await holding(10)
    const load = await startLoad({ target, clients: 10 })
    await allHeld
    const stopped = expect(load.stop()).rejects.toThrow('process is gone (SIGKILL)')
    process.kill(load.pid, 'SIGKILL')
    await stopped
    await expect(load.snapshot()).rejects.toThrow('process is gone')
  })
})

function echoId(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
}

async function serveHttp(listener: RequestListener): Promise<{ port: number }> {
  return { port: await listening(createServer(listener), { port: 0 }) }
}

/** A server that holds every response; `allHeld` resolves when it holds that many. */
async function holding(count: number): Promise<{
  target: { port: number }
  held: ServerResponse[]
  allHeld: Promise<void>
}> {
  const held: ServerResponse[] = []
  let reached: () => void
  const allHeld = new Promise<void>((resolve) => {
    reached = resolve
  })
  const target = await serveHttp((request, response) => {
    echoId(request, response)
    if (held.push(response) === count) reached()
  })
  return { target, held, allHeld }
}

async function listening(server: Server, where: ListenOptions): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(where)
  await once(server, 'listening')
  closers.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function loadOf(options: LoadOptions, requests: number): Promise<LoadResult> {
  const load = await startLoad(options)
  await load.moreRequests(requests)
  return load.stop()
}
