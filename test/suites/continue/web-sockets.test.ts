import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { UPGRADE } from '@socket-port/testkit/raw-web-socket'
import { afterEach, describe, expect, it } from 'vitest'
import { dribble } from '../../src/web-sockets/dribble.ts'
import { NOTHING_NOTICED, WebSocketLoad } from '../../src/web-sockets/load.ts'
import {
  COMPRESSES,
  reloadUntilServed,
  startWebSockets,
  untilOldOnesEnded,
} from '../../src/web-sockets/supervised.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await endProcesses()
})

async function start(env: Record<string, string> = {}) {
  const started = await startWebSockets(env)
  cleanups.push(() => started.supervised.dispose())
  return started
}

describe('WebSockets of ws under socket-port run', () => {
  it('notice no reload: messages, large ones in fragments, dribbled bytes, compression', async () => {
    const { supervised, port } = await start({ OPTIONS: COMPRESSES })
    const relay = await dribble(port)
    cleanups.push(relay.end)
    const loads = await Promise.all([
      WebSocketLoad.start({ port, sockets: 20 }),
      WebSocketLoad.start({ port, sockets: 5, largeEvery: 4, seed: 100 }),
      WebSocketLoad.start({ port: relay.port, sockets: 5, seed: 200 }),
      WebSocketLoad.start({ port, sockets: 5, every: 100, compresses: true, seed: 300 }),
    ])
    for (let reload = 0; reload < 3; reload++) await reloadUntilServed(supervised, loads)
    const { connections } = await untilOldOnesEnded(supervised)
    const { output } = supervised.generation
    expect(output).not.toMatch(/heard close|late was sent|warning/)
    // Each of the 35 three times.
    expect(connections).toMatchObject({ webSockets: 105, cut: 0 })
    expect(output.match(/late is refused/g)).toHaveLength(105)
    for (const load of loads) {
      expect(await load.stop()).toMatchObject({ ...NOTHING_NOTICED, processes: 4 })
    }
  })

  it('negative control: without the call each is closed', async () => {
    const { supervised, port } = await start({ PLAIN: '1' })
    const load = await WebSocketLoad.start({ port, sockets: 5 })
    await supervised.ask('reload')
    expect(await load.allClosed()).toEqual(Array(5).fill(1001))
    expect((await load.stop()).closed).toEqual({ 1001: 5 })
  })

  it('answer pings of the process before, and are not taken for dead', async () => {
    const { supervised, port } = await start()
    const load = await WebSocketLoad.start({ port, sockets: 5 })
    for (let reload = 0; reload < 2; reload++) {
      load.sweep()
      await reloadUntilServed(supervised, [load])
    }
    load.sweep()
    expect(await load.stop()).toMatchObject({ ...NOTHING_NOTICED, processes: 3 })
  })

  it('hear 1012 and no byte of HTTP where the next program refuses them', async () => {
    const { supervised, port } = await start()
    const paths = ['401', 'write', 'destroy', 'protocol'].map((how) => `/refuse/${how}`)
    const clients = await Promise.all(paths.map((path) => openRaw(port, path)))
    expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    await Promise.all(clients.map(({ closed }) => closed))
    expect(clients.map(({ text }) => text)).toEqual(Array(4).fill('\x88\x02\x03\xf4'))
    const reasons = [
      'answered with 401',
      'answered with 403',
      'closed the connection',
      'other, and',
    ]
    for (const reason of reasons) {
      await supervised.printed(new RegExp(`warning: closed \\d connections? .*${reason}`))
    }
  })
})

/** Makes a handshake, and takes its response. */
async function openRaw(port: number, path: string): Promise<RawConnection> {
  const client = await RawConnection.open(port)
  cleanups.push(() => client.close())
  client.send(get(path, ...UPGRADE, 'Sec-WebSocket-Protocol: chat, other'))
  await client.receive(/\r\n\r\n$/)
  return client
}
