import { fileURLToPath } from 'node:url'
import { StrictEventStream } from '@socket-port/testkit/strict-event-stream'
import { expect, it } from 'vitest'
import { nodeBinary } from '../src/nodes.ts'
import { openStrict } from '../src/socket-io/strict-client.ts'
import { NOTHING_NOTICED, WebSocketLoad } from '../src/web-sockets/load.ts'
import { COMPRESSES, FIXTURE as WEB_SOCKETS } from '../src/web-sockets/supervised.ts'
import { describeHandover } from '../suites/handover/box.ts'
import { by, NODES, restartBy } from './every-pair.ts'

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}.mjs`, import.meta.url))

const EVENT_STREAMS = fixture('event-streams')
const SOCKET_IO = fixture('socket-io')
const CLIENTS = 10

const [FIRST = '', ...OTHERS] = NODES

await describeHandover('connections that are continued, from each Node to each', (box) => {
  it('event streams: none is closed, and no event is lost or sent twice', async () => {
    const app = await box.start(by(FIRST, EVENT_STREAMS))
    const open = Array.from({ length: CLIENTS }, () => StrictEventStream.open(app.port, '/'))
    const clients = await Promise.all(open)
    for (const [at, node] of OTHERS.entries()) {
      await restartBy(app, node, EVENT_STREAMS)
      await Promise.all(clients.map((client) => client.heard(at + 2)))
    }
    expect(clients.flatMap(({ faults }) => faults)).toEqual([])
    expect(await app.log()).not.toMatch(/warning|error/i)
    for (const client of clients) client.close()
  })

  it('WebSockets of ws: none is closed, and no message is lost, doubled or out of order', async () => {
    const env = { OPTIONS: COMPRESSES }
    const app = await box.start(by(FIRST, WEB_SOCKETS, env))
    const { port } = app
    const loads = await Promise.all([
      WebSocketLoad.start({ port, sockets: CLIENTS }),
      WebSocketLoad.start({ port, sockets: 3, largeEvery: 4, seed: 1_000 }),
      WebSocketLoad.start({ port, sockets: 3, every: 100, compresses: true, seed: 2_000 }),
    ])
    for (const node of OTHERS) {
      await restartBy(app, node, WEB_SOCKETS, env)
      const pid = await app.pid()
      await Promise.all(loads.map((load) => load.servedBy(pid)))
    }
    expect(await app.log()).not.toMatch(/heard close|late was sent|warning/)
    for (const load of loads) {
      expect(await load.stop()).toMatchObject({ ...NOTHING_NOTICED, processes: NODES.length })
    }
  })

  it('Socket.IO: no client is disconnected, and each message is acknowledged once', async () => {
    const app = await box.start(by(FIRST, SOCKET_IO))
    const clients = await openStrict(app.port, CLIENTS)
    for (const [at, node] of OTHERS.entries()) {
      await restartBy(app, node, SOCKET_IO)
      await Promise.all(clients.map((client) => client.heard(at + 2)))
    }
    expect(clients.flatMap(({ faults }) => faults)).toEqual([])
    expect(await app.log()).not.toMatch(/disconnect:|wrong answer|warning/)
    for (const client of clients) client.close()
  })

  it('negative control: without the calls all are closed', async () => {
    const env = { PLAIN: '1' }
    const to = nodeBinary(24)
    const webSockets = await box.start(by(FIRST, WEB_SOCKETS, env))
    const load = await WebSocketLoad.start({ port: webSockets.port, sockets: CLIENTS })
    await restartBy(webSockets, to, WEB_SOCKETS, env)
    expect(await load.allClosed()).toEqual(Array(CLIENTS).fill(1001))
    await load.stop()

    const socketIo = await box.start(by(FIRST, SOCKET_IO, env))
    const clients = await openStrict(socketIo.port, CLIENTS)
    const heard = Promise.allSettled(clients.map((client) => client.heard(2)))
    await restartBy(socketIo, to, SOCKET_IO, env)
    await heard
    for (const { faults } of clients) expect(faults).toContain('disconnect: transport close')
    for (const client of clients) client.close()
  })
})
