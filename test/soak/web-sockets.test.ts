import { readFileSync } from 'node:fs'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, expect, it } from 'vitest'
import { Churn } from '../src/web-sockets/churn.ts'
import { dribble } from '../src/web-sockets/dribble.ts'
import { NOTHING_NOTICED, WebSocketLoad } from '../src/web-sockets/load.ts'
import {
  COMPRESSES,
  reloadUntilServed,
  startWebSockets,
  untilOldOnesEnded,
} from '../src/web-sockets/supervised.ts'

// SOCKET_PORT_SOAK=20 is the short form that CI runs.
const reloads = Math.min(200, Number(process.env.SOCKET_PORT_SOAK ?? 200))
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)

/** How much memory and how many descriptors may be more in the end than after the first reloads. */
const MORE_MEMORY = 1.5
const MORE_FDS = 5

afterEach(endProcesses)

const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

it(`random traffic on WebSockets over ${reloads} reloads, seed ${seed}: nothing is closed, lost, doubled or out of order`, async () => {
  const { supervised, port } = await startWebSockets({ OPTIONS: COMPRESSES })
  const relay = await dribble(port, seed)
  const [churn, ...loads] = await Promise.all([
    Churn.start(port, seed),
    WebSocketLoad.start({ port, sockets: 50, seed }),
    WebSocketLoad.start({ port, sockets: 10, largeEvery: 5, largest: 1_048_576, seed: seed + 1 }),
    WebSocketLoad.start({
      port,
      sockets: 5,
      every: 100,
      compresses: true,
      largeEvery: 9,
      seed: seed + 2,
    }),
    WebSocketLoad.start({ port: relay.port, sockets: 5, seed: seed + 3 }),
  ])
  const measured: { memory: number; fds: number }[] = []
  for (let reload = 0; reload < reloads; reload++) {
    const pid = await reloadUntilServed(supervised, loads)
    await untilOldOnesEnded(supervised)
    measured.push({ memory: memoryOf(pid), fds: await supervised.openFds() })
  }
  for (const load of loads) {
    const result = await load.stop()
    console.log(JSON.stringify(result))
    expect(result).toMatchObject({ ...NOTHING_NOTICED, processes: reloads + 1 })
  }
  const { closed, faults } = await churn.stop()
  console.log(`${closed} more were closed by their clients in the meantime`)
  expect(faults).toEqual([])
  relay.end()
  const [first, last] = [measured.slice(0, 5), measured.slice(-5)]
  const most = (of: typeof measured, what: 'memory' | 'fds'): number =>
    Math.max(...of.map((each) => each[what]))
  expect(most(last, 'memory')).toBeLessThan(MORE_MEMORY * most(first, 'memory'))
  expect(most(last, 'fds')).toBeLessThan(most(first, 'fds') + MORE_FDS)
  expect(supervised.generation.output).not.toMatch(/late was sent|warning/)
  await supervised.dispose()
})
