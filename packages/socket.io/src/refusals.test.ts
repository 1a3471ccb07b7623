import { describe, expect, it } from 'vitest'
import { client, type Program, program, relayTo, VERSIONS } from './testing/programs.ts'

/** Moves a client to a program that does not take it: what the client sees, and what is reported. */
async function refused(first: Program, second: Program, namespace = '') {
  const { relay, port } = await relayTo(first)
  const { socket, seen, count } = await client(port, namespace)
  await count()
  const { id } = socket
  const again = new Promise((resolve) => {
    socket.once('connect', () => resolve('connect'))
    socket.once('connect_error', ({ message }) => resolve(message))
  })
  relay.use(second.http)
  expect(await relay.move()).toEqual([])
  const outcome = await again
  return { seen, outcome, refusals: relay.refusals, isSame: socket.id === id }
}

describe('a client that the next program does not accept is closed, and connects again:', () => {
  it.each(VERSIONS)('a middleware refuses it, with socket.io %s', async (version) => {
    const first = await program({ version })
    const second = await program({
      version,
      prepare: (io) => void io.use((_, next) => next(new Error('expired'))),
    })
    expect(await refused(first, second)).toEqual({
      seen: ['disconnect transport close', 'connect_error expired'],
      outcome: 'expired',
      refusals: ['a middleware of its namespace refused it'],
      isSame: false,
    })
    expect(second.log).toEqual([])
    expect(second.io.sockets.adapter.rooms.size).toBe(0)
  })

  it('its namespace is gone', async () => {
    const dynamic = await program({
      prepare: (io) =>
        void io
          .of(/^\/room-\d$/)
          .on('connection', (socket) => socket.on('count', (answer) => answer())),
    })
    const outcome = await refused(dynamic, await program(), '/room-1')
    expect(outcome).toMatchObject({
      seen: ['disconnect transport close', 'connect_error Invalid namespace'],
      refusals: ['its namespace is gone'],
    })
  })

  it('it pings too seldom for what the client was told', async () => {
    const first = await program({ options: { pingInterval: 1_000, pingTimeout: 1_000 } })
    const outcome = await refused(first, await program({ options: { pingInterval: 3_000 } }))
    expect(outcome).toMatchObject({
      seen: ['disconnect transport close', 'connect'],
      refusals: ['it pings every 3000 ms, and the client waits for 2000 ms'],
    })
  })

  it('the program does not call handOverSocketIo: the client is not greeted as a new one', async () => {
    const second = await program({ handsOver: false })
    expect(await refused(await program(), second)).toMatchObject({
      seen: ['disconnect transport close', 'connect'],
    })
    expect(second.log).toEqual(['/ connection'])
  })

  it('a middleware of one of its namespaces does not decide', async () => {
    const second = await program({ options: { connectTimeout: 50 } })
    let isFirst = true
    second.io.of('/admin').use((_, next) => {
      if (!isFirst) return next()
      isFirst = false
      // Of those that connect anew.
      second.io.connectTimeout(60_000)
    })
    const first = await program()
    const { relay, port } = await relayTo(first)
    const clients = [await client(port), await client(port, '/admin')]
    const again = clients.map(({ next }) => next('connect'))
    relay.use(second.http)
    expect(await relay.move()).toEqual([])
    await Promise.all(again)
    expect(relay.refusals).toEqual(['a middleware has not called next'])
    for (const { seen } of clients) expect(seen).toEqual(['disconnect transport close', 'connect'])
  })
})

it('a namespace that the program makes when it is asked for is made again', async () => {
  const prepare: Parameters<typeof program>[0] = {
    prepare: (io) =>
      void io
        .of((name, auth, next) => setImmediate(next, null, auth.room === 'a' && name === '/room-1'))
        .on('connection', (socket) => {
          socket.on('count', (answer) => answer([socket.nsp.name, socket.recovered]))
        }),
  }
  const [first, second] = [await program(prepare), await program(prepare)]
  const { relay, port } = await relayTo(first)
  const { seen, count } = await client(port, '/room-1')
  expect(await count()).toEqual(['/room-1', false])
  relay.use(second.http)
  expect(await relay.move()).toEqual([])
  expect(await count()).toEqual(['/room-1', true])
  expect(seen).toEqual([])
})

it("a listener of 'handover' that throws does not keep other clients", async () => {
  const thrown: unknown[] = []
  const first = await program({
    prepare: (io) =>
      void io.on('connection', (socket) =>
        socket.on('handover' as never, () => {
          throw new Error('from a listener')
        }),
      ),
  })
  const second = await program()
  const { relay, port } = await relayTo(first)
  const { seen } = await client(port)
  const admin = await client(port, '/admin')
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', (error) => thrown.push(error.message))
  try {
    relay.use(second.http)
    expect(await relay.move()).toEqual([])
    expect(await admin.count()).toMatchObject({ count: 1 })
  } finally {
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
  expect([thrown, seen, admin.seen]).toEqual([['from a listener'], [], []])
  expect(first.io.engine.clientsCount).toBe(0)
})
