import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { io, type Socket } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { startRedis } from '../../src/redis.ts'
import { afterTest, fixture, start } from '../cli/supervising.ts'

const command = [process.execPath, fixture('socket-io-adapter.mjs')]
const OLD = 'from the old process'

/** A client that notes what everybody is told, and takes no disconnect. */
class Told {
  readonly socket: Socket
  readonly texts: string[] = []
  readonly faults: string[] = []
  readonly continued: Promise<number>
  readonly #waiting = new Map<string, () => void>()

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('told', (text: string) => {
      this.texts.push(text)
      this.#waiting.get(text)?.()
    })
    socket.on('disconnect', (reason) => this.faults.push(reason))
    this.continued = new Promise((resolve) => socket.once('continued', resolve))
  }

  static async open(port: number): Promise<Told> {
    const options = { transports: ['websocket'], forceNew: true, reconnection: false }
    const client = new Told(io(`http://127.0.0.1:${port}`, options))
    afterTest(() => client.socket.close())
    await new Promise<void>((resolve) => client.socket.once('connect', resolve))
    return client
  }

  async hears(text: string): Promise<void> {
    if (!this.texts.includes(text)) {
      await new Promise<void>((resolve) => this.#waiting.set(text, resolve))
    }
  }
}

/** Three clients in the middle of a reload: the first is still in the old process, and the others are in the next one. */
async function halfway(env: Record<string, string> = {}) {
  const supervised = await start({ command, env })
  const port = await supervised.port()
  const clients = await Promise.all([Told.open(port), Told.open(port), Told.open(port)])
  const [late, ...others] = clients
  const old = (await late.socket.emitWithAck('pid')) as number
  const held = new Promise((resolve) => late.socket.once('held', resolve))
  const released = new Promise((resolve) => late.socket.emit('hold', resolve))
  await held
  const reloaded = supervised.ask('reload')
  const pids = await Promise.all(others.map(({ continued }) => continued))
  return { supervised, clients, late, teller: clients[1], old, pids, released, reloaded }
}

describe(...requireOrSkip('Socket.IO with Redis', commandSkipReason('redis-server')), () => {
  it('the processes hear each other while clients go over one after the other', async () => {
    const redis = await startRedis()
    afterTest(redis.stop)
    const reload = await halfway({ REDIS: redis.path })
    const { supervised, clients, late, teller, old, pids, released, reloaded } = reload
    expect(new Set([...pids, old]).size).toBe(2)
    const ids = clients.map(({ socket }) => socket.id).sort()
    const all = (text: string) => Promise.all(clients.map((client) => client.hears(text)))

    teller.socket.emit('tell', 'from the next process')
    process.kill(old, 'SIGUSR2')
    const [found, asked] = await Promise.all([
      teller.socket.emitWithAck('fetch'),
      teller.socket.emitWithAck('ask servers'),
      all('from the next process'),
      all(OLD),
    ])
    expect([found, asked]).toEqual([ids, [old]])

    teller.socket.emit('release')
    expect(await released).toBe(old)
    expect(await late.continued).toBe(pids[0])
    expect(await reloaded).toMatchObject({ code: 0 })
    // Redis counts the old process until it has seen that it has ended.
    while ((await teller.socket.emitWithAck('servers')) !== 1);
    expect(await teller.socket.emitWithAck('fetch')).toEqual(ids)
    late.socket.emit('tell', 'after the reload')
    await all('after the reload')
    const texts = ['after the reload', 'from the next process', OLD]
    expect(clients.map((client) => client.texts.sort())).toEqual(clients.map(() => texts))
    expect(clients.flatMap(({ faults }) => faults)).toEqual([])
    expect(supervised.generation.output).not.toMatch(/warning/i)
  })

  /** What clients are told whose server is reloaded; another server tells them something while they are in no process. */
  async function toldInBetween(env: Record<string, string>): Promise<string[][]> {
    const redis = await startRedis()
    afterTest(redis.stop)
    const [reloaded, other] = await Promise.all([
      start({ command, env: { ...env, REDIS: redis.path, HOLD: '1' } }),
      start({ command, env: { ...env, REDIS: redis.path } }),
    ])
    const port = await reloaded.port()
    const clients = await Promise.all([Told.open(port), Told.open(port)])
    const teller = await Told.open(await other.port())
    const all = (text: string) => Promise.all([teller, ...clients].map((each) => each.hears(text)))
    teller.socket.emit('tell', 'before')
    await all('before')
    let waiting = 0
    const inBetween = new Promise<void>((resolve) =>
      teller.socket.on('waits', () => ++waiting === clients.length && resolve()),
    )
    const reload = reloaded.ask('reload')
    await inBetween
    teller.socket.emit('tell', 'in between')
    await teller.hears('in between')
    teller.socket.emit('go')
    await Promise.all(clients.map(({ continued }) => continued))
    teller.socket.emit('tell', 'after')
    await all('after')
    expect(await reload).toMatchObject({ code: 0 })
    expect(clients.flatMap(({ faults }) => faults)).toEqual([])
    return clients.map(({ texts }) => texts)
  }

  it('with Redis streams clients get what is broadcast while they are in no process, once', async () => {
    const texts = ['before', 'in between', 'after']
    expect(await toldInBetween({ STREAMS: '1' })).toEqual([texts, texts])
  })

  it('negative control: with publish and subscribe they miss it', async () => {
    const texts = ['before', 'after']
    expect(await toldInBetween({})).toEqual([texts, texts])
  })
})

describe('Socket.IO with the in-memory adapter', () => {
  it('negative control: a broadcast reaches the clients of one process', async () => {
    const { clients, late, teller, old } = await halfway()
    teller.socket.emit('tell', 'from the next process')
    process.kill(old, 'SIGUSR2')
    const [, , other] = clients
    await Promise.all([
      late.hears(OLD),
      teller.hears('from the next process'),
      other.hears('from the next process'),
    ])
    expect(clients.map(({ texts }) => texts)).toEqual([
      [OLD],
      ['from the next process'],
      ['from the next process'],
    ])
  })
})
