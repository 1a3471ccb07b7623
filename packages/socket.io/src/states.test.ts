import { EventEmitter } from 'node:events'
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { handOverSocketIo } from './index.ts'
import { afterTest, client, type Program, program, relayTo } from './testing/programs.ts'
import type { Relay } from './testing/relay.ts'

/** A program, and a function that moves its clients to the next one. */
async function restarting(
  first: Program,
): Promise<{ relay: Relay; port: number; next(program: Program): Promise<string[]> }> {
  const { relay, port } = await relayTo(first)
  return {
    relay,
    port,
    next: (second) => {
      relay.use(second.http)
      return relay.move()
    },
  }
}

const OVER = Promise.resolve()

/** A client that says what it is told to. */
async function rawClient(port: number, query: string, ...messages: string[]): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?transport=websocket&${query}`)
  afterTest(() => ws.terminate())
  await new Promise((resolve) => ws.once('message', resolve))
  for (const message of messages) ws.send(message)
  return ws
}

describe('what is under way', () => {
  it('is awaited: the acknowledgement of a client, which is read on until it comes', async () => {
    const first = await program()
    const { port, relay } = await relayTo(first)
    const { socket, seen } = await client(port)
    let answer: (value: number) => void = () => {}
    const asked = new Promise<void>((resolve) =>
      socket.on('ask', (callback) => {
        answer = callback
        resolve()
      }),
    )
    const [served] = first.io.sockets.sockets.values()
    const answered = served?.timeout(60_000).emitWithAck('ask')
    await asked
    relay.use((await program()).http)
    expect(await relay.move(OVER)).toEqual(['waits: its client has not acknowledged an event'])
    const moved = relay.move()
    answer(7)
    expect(await answered).toBe(7)
    expect([await moved, seen]).toEqual([[], []])
  })

  it('goes without the answer to a broadcast that has not come in its time', async () => {
    const first = await program()
    const { port, next } = await restarting(first)
    const { socket, count, seen } = await client(port)
    const asked = new Promise((resolve) => socket.once('ask', resolve))
    await expect(first.io.timeout(1).emitWithAck('ask')).rejects.toThrow('timed out')
    await asked
    expect(await next(await program())).toEqual([])
    expect(await count()).toMatchObject({ count: 1 })
    expect(seen).toEqual([])
  })

  it('is awaited: the acknowledgement of the program, while what the client sends waits', async () => {
    let answer: (value: number) => void = () => {}
    const heard: number[] = []
    const slow = (io: Server): void =>
      void io.on('connection', (socket) => {
        socket.on('slow', (callback) => {
          answer = callback
        })
        socket.on('number', (value) => heard.push(value))
      })
    const first = await program({ prepare: slow })
    const second = await program({ prepare: slow })
    const { port, relay } = await relayTo(first)
    const { socket, seen, count } = await client(port)
    const answered = socket.emitWithAck('slow')
    await count()
    relay.use(second.http)
    expect(await relay.move(OVER)).toEqual(['waits: the program has not acknowledged an event'])
    const moved = relay.move()
    for (let value = 0; value < 10; value++) socket.emit('number', value)
    answer(7)
    expect([await answered, await moved]).toEqual([7, []])
    expect(await count()).toMatchObject({ count: 2 })
    expect([heard, seen]).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], []])
  })

  it.each([
    [
      'a socket',
      (io: Server, hold: (next: () => void) => void) =>
        void io.on('connection', (socket) => socket.use((_, next) => hold(next))),
    ],
    [
      'a namespace',
      (io: Server, hold: (next: () => void) => void) =>
        void io.of('/late').use((_, next) => hold(next)),
    ],
  ])('is awaited: a middleware of %s', async (of, use) => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let entered = (): void => {}
    const isEntered = new Promise<void>((resolve) => {
      entered = resolve
    })
    const hold = (next: () => void): void => {
      entered()
      void held.then(next)
    }
    const first = await program({ prepare: (io) => use(io, hold) })
    const second = await program({ prepare: (io) => void io.of('/late') })
    const { port, relay } = await relayTo(first)
    const { socket, seen } = await client(port)
    const late = of === 'a namespace' && socket.io.socket('/late')
    const joined = late
      ? new Promise((resolve) => late.open().once('connect', () => resolve(1)))
      : socket.emitWithAck('count')
    await isEntered
    relay.use(second.http)
    expect(await relay.move(OVER)).toEqual([`waits: a middleware of ${of} has not called next`])
    const moved = relay.move()
    release()
    expect([await moved, seen]).toEqual([[], []])
    expect(await joined).toBeTruthy()
  })

  it('is awaited: the rest of a packet with binary data', async () => {
    const first = await program()
    const { port, relay } = await relayTo(first)
    const ws = await rawClient(port, 'EIO=4', '40')
    await first.logged('/ connection')
    const [socket] = first.io.sockets.sockets.values()
    const comes = new Promise((resolve) => socket?.conn.once('packet', resolve))
    ws.send('451-["x",{"_placeholder":true,"num":0}]')
    await comes
    relay.use((await program()).http)
    expect(await relay.move(OVER)).toEqual(['waits: a packet with binary data has come in part'])
    const moved = relay.move()
    ws.send(Buffer.from('rest'))
    expect(await moved).toEqual([])
  })

  it('stays: a client of Socket.IO 2', async () => {
    const first = await program({ options: { allowEIO3: true } })
    const { port, next } = await restarting(first)
    await rawClient(port, 'EIO=3')
    await first.logged('/ connection')
    expect(await next(await program())).toEqual(['its client is older than Socket.IO 3'])
  })

  it('stays: a version of socket.io that differs', async () => {
    const prepare = (io: Server): void => {
      Object.assign(io.engine, { onWebSocket: undefined })
      handOverSocketIo(io)
      Reflect.deleteProperty(io.engine, 'onWebSocket')
    }
    const first = await program({ handsOver: false, prepare })
    const { port, next } = await restarting(first)
    const { seen } = await client(port)
    expect(await next(await program())).toEqual([
      'this version of socket.io is not known (engine.onWebSocket)',
    ])
    expect(seen).toEqual([])
  })
})

describe('the next program', () => {
  it('gets what the client has sent while its middlewares look up who it is', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const first = await program()
    const second = await program({
      prepare: (io) => void io.use((_, next) => void held.then(() => next())),
    })
    const { port, next } = await restarting(first)
    const { count, seen } = await client(port)
    expect(await next(second)).toEqual([])
    const counts = [count(), count()]
    await Promise.resolve()
    release()
    expect(await Promise.all(counts)).toMatchObject([{ count: 1 }, { count: 2 }])
    expect(seen).toEqual([])
  })

  it('finds the state of the client in its middlewares', async () => {
    const found: unknown[] = []
    const first = await program()
    const second = await program({
      prepare: (io) =>
        void io.use((socket, next) => {
          const { id, data, rooms, recovered, handshake } = socket
          found.push({
            id,
            data,
            rooms: [...rooms],
            recovered,
            auth: handshake.auth,
            query: handshake.query.who,
            sid: handshake.url.includes('sid'),
          })
          next()
        }),
    })
    const { port, next } = await restarting(first)
    const { socket } = await client(port, '', { query: { who: 'ada' } })
    const { id } = socket
    expect(await next(second)).toEqual([])
    await second.logged('/ connection, recovered')
    expect(found).toEqual([
      {
        id,
        data: { count: 0 },
        rooms: [id, 'room a'],
        recovered: true,
        auth: { room: 'a' },
        query: 'ada',
        sid: false,
      },
    ])
  })

  it('finds the headers that only the polling has sent', async () => {
    const first = await program()
    const second = await program()
    const { port, next } = await restarting(first)
    const { socket, seen, count } = await client(port, '', {
      transports: ['polling', 'websocket'],
      transportOptions: { polling: { extraHeaders: { authorization: 'Bearer 1' } } },
    })
    const { engine } = socket.io
    if (engine.transport.name !== 'websocket') {
      await new Promise((resolve) => engine.once('upgrade', resolve))
    }
    await count()
    expect(await next(second)).toEqual([])
    expect(await count()).toMatchObject({ count: 2 })
    const [moved] = second.io.sockets.sockets.values()
    expect(moved?.handshake.headers).toMatchObject({
      authorization: 'Bearer 1',
      upgrade: 'websocket',
    })
    expect(seen).toEqual([])
  })

  it('uses ids for acknowledgements that no late answer has', async () => {
    const first = await program()
    const second = await program()
    const { port, next } = await restarting(first)
    const { socket, count } = await client(port)
    const answers: ((value: string) => void)[] = []
    socket.on('ask', (answer) => answers.push(answer))
    const [before] = first.io.sockets.sockets.values()
    await expect(before?.timeout(1).emitWithAck('ask')).rejects.toThrow('timed out')
    await count()
    expect(await next(second)).toEqual([])
    await second.logged('/ connection, recovered')
    const [after] = second.io.sockets.sockets.values()
    const answered = after?.timeout(10_000).emitWithAck('ask')
    await count()
    answers[0]?.('late')
    answers[1]?.('right')
    expect(await answered).toBe('right')
  })

  it('sends nothing that is only for a new client', async () => {
    const options = { initialPacket: 'welcome' } as never
    const generateId = (io: Server): void =>
      void Object.assign(io.engine, { generateId: () => 'own' })
    const first = await program({ options, prepare: generateId })
    const second = await program({ options, prepare: generateId })
    const { port, next } = await restarting(first)
    const ws = await rawClient(port, 'EIO=4', '40')
    const told: string[] = []
    ws.on('message', (data) => told.push(String(data)))
    await first.logged('/ connection')
    await new Promise((resolve) => ws.once('message', resolve))
    told.length = 0
    expect(await next(second)).toEqual([])
    await second.logged('/ connection, recovered')
    second.io.emit('last')
    while (!told.includes('42["last"]')) await new Promise((resolve) => ws.once('message', resolve))
    expect(told.filter((message) => message !== '4welcome')).toEqual(['2', '42["last"]'])
    expect(Object.keys((second.io.engine as never as { clients: object }).clients)).toEqual(['own'])
  })

  it('skips its middlewares where it recovers the state of connections, and recovers this one later', async () => {
    const options = { connectionStateRecovery: {} }
    const refuse = (io: Server): void => void io.use((_, next) => next(new Error('no')))
    const first = await program({ options })
    const second = await program({ options, prepare: refuse })
    const { port, next } = await restarting(first)
    const { socket, count, seen } = await client(port, '', { reconnection: false })
    const { id } = socket
    expect(await next(second)).toEqual([])
    await count()
    const got = new Promise((resolve) => socket.once('news', resolve))
    second.io.emit('news', 1)
    await got
    expect(seen).toEqual([])
    socket.io.engine.close()
    await second.logged('/ disconnect transport close')
    socket.connect()
    await new Promise((resolve) => socket.once('connect', () => resolve(undefined)))
    expect([socket.recovered, socket.id]).toEqual([true, id])
  })

  it('speaks with a parser of its own', async () => {
    class Encoder {
      encode = (packet: unknown): string[] => [JSON.stringify(packet)]
    }
    class Decoder extends EventEmitter {
      add(text: string): void {
        this.emit('decoded', JSON.parse(text))
      }
      destroy(): void {}
    }
    const options = { parser: { Encoder, Decoder } }
    const first = await program({ options })
    const second = await program({ options })
    const { port, next } = await restarting(first)
    const { count, seen } = await client(port, '', options)
    await count()
    expect(await next(second)).toEqual([])
    expect(await count()).toMatchObject({ count: 2, rooms: ['room a'] })
    expect(seen).toEqual([])
  })
})

describe('handOverSocketIo', () => {
  it.each([
    [undefined, 'undefined'],
    [createServer(), 'Server'],
    [{}, 'Object'],
  ])('refuses a value that is no server of socket.io: %#', (io, seen) => {
    expect(() => handOverSocketIo(io as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_SOCKET_PORT_INVALID_OPTION',
        message: expect.stringContaining(`(got ${seen})`),
      }),
    )
  })

  it('names what to pass for a namespace', () => {
    expect(() => handOverSocketIo(new Server().of('/admin') as never)).toThrow(
      /got Namespace.*namespace\.server/,
    )
  })

  it('may be called twice, and before there is an HTTP server', async () => {
    const first = await program({ attachesLater: true, prepare: handOverSocketIo })
    const second = await program({ attachesLater: true, prepare: handOverSocketIo })
    const { port, next } = await restarting(first)
    const { count, seen } = await client(port)
    await count()
    expect(await next(second)).toEqual([])
    expect(await count()).toMatchObject({ count: 2 })
    expect([seen, second.log]).toEqual([[], ['/ connection, recovered']])
  })
})
