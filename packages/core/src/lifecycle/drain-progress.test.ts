import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../base/types.ts'
import { serve } from '../service/serve.ts'
import { drainStatus, inFlight, type Left } from './connections-left.ts'
import { DrainProgress } from './drain-progress.ts'
import { shutdown } from './shutdown.ts'

afterEach(() => {
  vi.useRealTimers()
  process.exitCode = undefined
})

const draining = (left: Record<string, number> | undefined, connections = 1) => ({
  connections,
  left: left && (new Map(Object.entries(left)) satisfies Left),
})

describe('the line about a drain', () => {
  it.each([
    [[], 'stopping'],
    [[draining({}, 0)], 'draining: 0 connections left'],
    [[draining(undefined, 3)], 'draining: 3 connections; 21 s left'],
    [[draining({ 'idle connection': 2 })], 'draining: 2 idle connections; 21 s left'],
    [
      [
        draining({ WebSocket: 9, 'idle connection': 1, tunnel: 1, request: 1 }),
        draining({ 'event stream': 2, request: 2, WebSocket: 1, 'HTTP/2 session': 1 }),
      ],
      'draining: 3 requests, 10 WebSockets, 2 event streams, 1 HTTP/2 session, 1 tunnel, 1 idle connection; 21 s left',
    ],
    [[draining({ request: 1 }), draining(undefined, 2)], 'draining: 3 connections; 21 s left'],
  ])('%#', (servers, line) => {
    expect(drainStatus(servers, 21_000)).toBe(line)
  })

  it('tells a person what is in flight, without idle connections', () => {
    const servers = [draining({ request: 1, 'idle connection': 4, WebSocket: 2 })]
    expect(inFlight(servers)).toEqual({ what: '1 request, 2 WebSockets', count: 3 })
  })
})

const none = (): void => {}
const quiet = { debug: none, info: none, warn: none, error: none }

it('is logged soon after its start, and every five seconds until the end', () => {
  vi.useFakeTimers()
  const [debug, info] = [vi.fn(), vi.fn()]
  const progress = new DrainProgress([draining({ request: 1 })], 25_000, { ...quiet, debug, info })
  vi.advanceTimersByTime(12_000)
  progress.end()
  vi.advanceTimersByTime(12_000)
  const line = (left: number): string => `draining: 1 request; ${left} s left`
  expect(debug.mock.calls).toEqual([[line(25)]])
  expect(info.mock.calls).toEqual([[line(20)], [line(15)]])
})

it('names what a shutdown waits for', async () => {
  const lines: string[] = []
  let logged = (): void => {}
  const isSaid = new Promise<void>((resolve) => {
    logged = resolve
  })
  const debug = (line: string): void => {
    lines.push(line)
    if (line.startsWith('draining: ')) logged()
  }
  const logger: Logger = { ...quiet, debug }
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
  })
  // These sockets are half-open: without an answer to its end, each would stay until the drain is forced.
  const accept = (socket: Duplex, head: string): void => {
    socket.once('end', () => socket.end()).resume()
    socket.write(`${head}\r\n\r\n`)
  }
  server.on('upgrade', (_, socket) => accept(socket, 'HTTP/1.1 101 Switching Protocols'))
  server.on('connect', (_, socket) => accept(socket, 'HTTP/1.1 200 OK'))
  const { port = 0, signal } = await serve(server, { port: 0, signals: false, exit: false, logger })
  const open = async (request: string, answer: RegExp): Promise<RawConnection> => {
    const client = await RawConnection.open(port)
    client.send(request)
    await client.receive(answer)
    return client
  }
  const upgrade = (...headers: string[]): string => get('/', 'Connection: Upgrade', ...headers)
  const head = /\r\n\r\n$/
  const clients = [
    await open(get('/events'), /data: 1\n\n/),
    await open(upgrade('Upgrade: websocket', 'Sec-WebSocket-Key: eA=='), head),
    await open(upgrade('Upgrade: chat'), head),
    await open('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', head),
  ]
  const accepted = once(server, 'connection')
  clients.push(await RawConnection.open(port))
  await accepted
  // So the event stream is left to this program.
  signal.addEventListener('abort', none)
  const ended = shutdown()
  await isSaid
  for (const client of clients) client.close()
  await ended
  expect(lines.find((line) => line.startsWith('draining: '))).toMatch(
    /^draining: 1 WebSocket, 1 event stream, 1 tunnel, 1 upgraded connection, 1 idle connection; \d+ s left$/,
  )
})
