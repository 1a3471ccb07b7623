import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { freePort } from '@socket-port/testkit/native'
import type { Supervised } from '@socket-port/testkit/supervised'
import { describe, expect, it } from 'vitest'
import { afterTest, expectStops, fixture, start, untilDrained } from './supervising.ts'

const FIXTURE = fixture('plain-http2.mjs')
const WEB_SOCKET = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/' }
const TUNNEL = { ':method': 'CONNECT', ':authority': 'test:80' }
const EVENTS = { ':path': '/events' }

interface Client {
  session: ClientHttp2Session
  stream: ClientHttp2Stream
  /** What it gets after the first data, as latin1. It answers the end of the server with its own. */
  rest: Promise<string>
}

/** Opens a stream on a session of its own, and reads its first data. */
async function open(port: number, headers: Record<string, string>): Promise<Client> {
  const session = connect(`http://127.0.0.1:${port}`)
  afterTest(() => session.destroy())
  await once(session, 'remoteSettings')
  const stream = session.request(headers, { endStream: headers === EVENTS })
  stream.setEncoding('latin1').on('error', () => {})
  await once(stream, 'data')
  let text = ''
  stream.on('data', (data: string) => {
    text += data
    // The close frame, or the last word of the tunnel.
    if (headers !== EVENTS) stream.end()
  })
  return { session, stream, rest: once(stream, 'close').then(() => text) }
}

async function pidAt(port: number): Promise<number> {
  const session = connect(`http://127.0.0.1:${port}`)
  const stream = session.request({ ':path': '/' }).setEncoding('latin1')
  const [text] = await once(stream, 'data')
  session.close()
  return Number(text)
}

/** Starts the program below `run`, with the preload or without it. */
async function supervised(...args: string[]): Promise<{ run: Supervised; port: number }> {
  const port = freePort()
  const preloaded = args.includes('--register')
  const run = await start({
    command: [process.execPath, FIXTURE],
    args: ['--listen', String(port), ...args],
    env: preloaded ? { PORT: String(port), NODE_DEBUG: 'socket-port' } : {},
  })
  return { run, port }
}

describe('HTTP/2 streams that do not end by themselves, of a program with the preload', () => {
  it('end as their protocol says at a reload, and their clients come back to the next process', async () => {
    const { run, port } = await supervised('--register')
    const before = await pidAt(port)
    const clients = [await open(port, WEB_SOCKET), await open(port, EVENTS)]
    expect(await run.ask('reload')).toMatchObject({ code: 0 })
    const close = Buffer.from('880203e9', 'hex').toString('latin1')
    expect(await Promise.all(clients.map(({ rest }) => rest))).toEqual([close, ''])
    expect(clients.map(({ stream }) => stream.rstCode)).toEqual([0, 0])
    await run.printed(/drained .*, 0 connections cut/)
    expect(await pidAt(port)).not.toBe(before)
    await untilDrained(run)
    await expectStops(run)
  })

  it('are left to the listener of the program where only it can end them, long before the deadline', async () => {
    const { run, port } = await supervised('--register')
    const { rest, stream } = await open(port, TUNNEL)
    expect(await run.ask('reload')).toMatchObject({ code: 0 })
    expect(await rest).toBe('bye')
    expect(stream.rstCode).toBe(0)
    await untilDrained(run)
    await expectStops(run)
  })

  it('negative control: without the preload the event stream holds the old process, and no close frame comes', async () => {
    const { run, port } = await supervised('--ready', 'port', '--drain-timeout', '1s')
    const clients = [await open(port, WEB_SOCKET), await open(port, EVENTS)]
    expect(await run.ask('reload')).toMatchObject({ code: 0 })
    expect(await Promise.all(clients.map(({ rest }) => rest))).toEqual(['', ''])
    await untilDrained(run)
  })
})
