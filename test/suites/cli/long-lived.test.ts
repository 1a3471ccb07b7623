import { once } from 'node:events'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import type { Supervised } from '@socket-port/testkit/supervised'
import { EventSource } from 'eventsource'
import { io } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { afterTest, fixture, start, untilDrained } from './supervising.ts'

const FIXTURE = fixture('long-lived.mjs')

/** A client that has heard from the first process. */
interface Client {
  /** What it is told at the end of its connection. */
  readonly ended: Promise<unknown>
  /** What it hears first from another process, by itself where its library connects again. */
  readonly back: Promise<unknown>
}

/**
 * What comes first from another process than `old`. A client may ask on a connection that it has kept before that was
 * handed over. Then the old process answers, and ends that too.
 */
async function fromAnother(old: string, next: () => Promise<string>): Promise<string> {
  for (;;) {
    const said = await next()
    if (!said.startsWith(old)) return said
  }
}

async function openWs(port: number): Promise<Client> {
  const open = async (): Promise<{ client: WebSocket; said: string }> => {
    const client = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    afterTest(() => client.terminate())
    return { client, said: String((await once(client, 'message'))[0]) }
  }
  const { client } = await open()
  const ended = once(client, 'close').then(([code]) => code)
  return { ended, back: ended.then(async () => (await open()).said) }
}

async function openSocketIo(port: number, transport: 'websocket' | 'polling', old: string) {
  const options = { transports: [transport], reconnectionDelay: 1, reconnectionDelayMax: 20 }
  const client = io(`http://127.0.0.1:${port}`, { ...options, forceNew: true })
  afterTest(() => client.close())
  const next = (): Promise<string> => new Promise((resolve) => client.once('who', resolve))
  await next()
  const ended = new Promise((resolve) => client.once('disconnect', resolve))
  const back = ended.then(() => fromAnother(old, next))
  return { ended, back }
}

async function openEventSource(port: number, old: string): Promise<Client> {
  const source = new EventSource(`http://127.0.0.1:${port}/events`)
  afterTest(() => source.close())
  const next = (): Promise<string> =>
    new Promise((resolve) =>
      source.addEventListener('message', ({ data }) => resolve(data), { once: true }),
    )
  await next()
  const ended = new Promise((resolve) =>
    source.addEventListener('error', () => resolve(source.readyState), { once: true }),
  )
  return { ended, back: ended.then(() => fromAnother(old, next)) }
}

async function openRaw(port: number, request: string, answer: RegExp): Promise<Client> {
  const client = await RawConnection.open(port)
  afterTest(() => client.close())
  client.send(request)
  await client.receive(answer)
  // The next bytes: what the server ends with. Or that there are none.
  const ended = client.receive(/./s).catch((error: Error) => error.message)
  return { ended, back: Promise.resolve(undefined) }
}

const HANDSHAKE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]
const CONNECT = 'CONNECT test:1 HTTP/1.1\r\nHost: test:1\r\n\r\n'

/** Opens clients of each kind, and reloads. */
async function reload(env: Record<string, string>) {
  const supervised = await start({
    command: [process.execPath, FIXTURE],
    env: { NODE_DEBUG: 'socket-port', ...env },
  })
  const port = await supervised.port()
  const old = await (await fetch(`http://127.0.0.1:${port}/`)).text()
  const ws = await Promise.all(Array.from({ length: 10 }, () => openWs(port)))
  const clients = {
    socketIo: await openSocketIo(port, 'websocket', old),
    polling: await openSocketIo(port, 'polling', old),
    eventSource: await openEventSource(port, old),
    rawWebSocket: await openRaw(port, get('/ws', ...HANDSHAKE), /\r\n\r\n.+$/s),
    rawEvents: await openRaw(port, get('/events'), /data: .*\n\n\r\n$/),
    tunnel: await openRaw(port, CONNECT, /\r\n\r\n\d+$/),
  }
  expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
  return { supervised, old, ws, clients }
}

const pidOf = async (supervised: Supervised): Promise<string> =>
  String((await supervised.status()).generations[0]?.workers[0]?.pid)

describe('what does not end by itself', () => {
  it('ends as its protocol says at a reload, and its client comes back to the next process', async () => {
    const { supervised, old, ws, clients } = await reload({
      // The raw client does not answer.
      DRAIN: JSON.stringify({ closeGrace: 500 }),
    })
    expect(await Promise.all(ws.map(({ ended }) => ended))).toEqual(Array(10).fill(1001))
    expect(await clients.socketIo.ended).toBe('transport close')
    expect(await clients.polling.ended).toBe('transport close')
    expect(await clients.eventSource.ended).toBe(EventSource.CONNECTING)
    expect(await clients.rawWebSocket.ended).toBe('\x88\x02\x03\xe9')
    expect(await clients.rawEvents.ended).toBe('0\r\n\r\n')
    expect(await clients.tunnel.ended).toBe('bye')
    const pid = await pidOf(supervised)
    for (const { back } of [...ws, clients.socketIo, clients.polling]) expect(await back).toBe(pid)
    expect(await clients.eventSource.back).toBe(`${pid}, after of ${old}`)
    // The old process is gone, and not because its deadline has come.
    await supervised.printed(/drained .*, 0 connections cut/)
    await untilDrained(supervised)
  })

  it('negative control: left to a program that does nothing, it is cut at the deadline', async () => {
    const DRAIN = JSON.stringify({ webSocketCode: false, timeout: 500 })
    const { supervised, ws, clients } = await reload({ PLAIN: '1', DRAIN })
    expect(await Promise.all(ws.map(({ ended }) => ended))).toEqual(Array(10).fill(1006))
    for (const { ended } of [clients.rawWebSocket, clients.rawEvents, clients.tunnel]) {
      expect(await ended).toMatch(/^closed/)
    }
    // The end of this test must not meet them on their way to the next process.
    await Promise.all(ws.map(({ back }) => back))
    await supervised.printed(/drained .*, [1-9]\d* connections cut/)
    await untilDrained(supervised)
  })
})
