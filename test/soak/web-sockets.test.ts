import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, expect, it } from 'vitest'
import { Churn } from '../src/web-sockets/churn.ts'
import { dribble } from '../src/web-sockets/dribble.ts'
import { NOTHING_NOTICED, WebSocketLoad } from '../src/web-sockets/load.ts'
import {
  COMPRESSES,
  reloadUntilServed,
  serverOf,
  startWebSockets,
  untilOldOnesEnded,
} from '../src/web-sockets/supervised.ts'

// SOCKET_PORT_SOAK=20 is the short form that CI runs.
const reloads = Math.min(200, Number(process.env.SOCKET_PORT_SOAK ?? 200))
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)

/**
 * How much more memory may be in use in the last quarter of the reloads than in the second: in the first, everything is compiled. That of a
 * server is mostly garbage of the moment.
 */
const MORE_MEMORY = { supervisor: 1.15, server: 1.5 }

/** With fewer reloads garbage of a moment counts for more than what is kept. */
const LONG = 100

/** In KiB. */
interface Memory {
  supervisor: number
  server: number
}

afterEach(endProcesses)

const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

const fdsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

function expectFlat(measured: readonly Memory[]): void {
  const quarter = Math.floor(measured.length / 4)
  for (const what of ['supervisor', 'server'] as const) {
    const memory = measured.map((each) => each[what])
    const [before, after] = [memory.slice(quarter, 2 * quarter), memory.slice(-quarter)].map(median)
    console.log(`memory of the ${what}: ${before} KiB in the second quarter, ${after} in the last`)
    if (measured.length < LONG) continue
    expect(after, what).toBeLessThan(MORE_MEMORY[what] * Number(before))
  }
}

it(`random traffic on WebSockets over ${reloads} reloads, seed ${seed}: nothing is closed, lost, doubled or out of order`, async () => {
  const { supervised, port } = await startWebSockets({ OPTIONS: COMPRESSES })
  const atRest = {
    supervisor: await supervised.openFds(),
    server: fdsOf(await serverOf(supervised)),
  }
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
  const measured: Memory[] = []
  for (let reload = 0; reload < reloads; reload++) {
    const pid = await reloadUntilServed(supervised, loads)
    await untilOldOnesEnded(supervised)
    measured.push({ supervisor: memoryOf(supervised.pid), server: memoryOf(pid) })
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
  // Not one more is open than before the first client came. With a leak this never is so.
  await supervised.untilOpenFds(atRest.supervisor)
  const pid = await serverOf(supervised)
  while (fdsOf(pid) > atRest.server) await setTimeout(10)
  console.log(`descriptors at rest: ${JSON.stringify(atRest)}, before and after`)
  expectFlat(measured)
  expect(supervised.generation.output).not.toMatch(/late was sent|warning/)
  await supervised.dispose()
})
