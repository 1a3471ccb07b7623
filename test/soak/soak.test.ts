import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startGeneration } from '@socket-port/testkit/generation'
import { openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, describe, expect, it } from 'vitest'
import { expectNothingLost, MODES, restartCase } from '../suites/load/restart-cases.ts'

afterEach(endProcesses)

// SOCKET_PORT_SOAK=20 is the short form that CI runs.
const rounds = Number(process.env.SOCKET_PORT_SOAK ?? 1000)

describe.each(MODES)(`${rounds} restarts, %s`, (mode) => {
  it('lose nothing and leak no descriptor to the one who keeps the socket', async () => {
    const before = openFds()
    const memory = [rss()]
    const result = await restartCase(
      { name: 'soak', load: { method: 'mixed', think: [0, 20], rtt: 20 } },
      { mode, restarts: rounds, betweenRequests: 200 },
    )
    expectNothingLost(result)
    expect(result.rows).toHaveLength(rounds)
    expect(openFds()).toEqual(before)
    memory.push(rss())
    console.log(
      `${mode}: ${result.total.requests} requests, 0 failed, RSS ${memory.join(' → ')} MB`,
    )
  })
})

// They take milliseconds each, and fewer would measure the warming up.
const serving = Math.max(rounds, 1000)

describe.each(['inherited', 'bound'])(`one process that serves ${serving} times, %s`, (source) => {
  it('leaks neither descriptors nor memory', async () => {
    const listener = openListener()
    const generation = startGeneration({
      command: [process.execPath, '--expose-gc', fixture('core-rounds')],
      env: { ROUNDS: String(serving) },
      sockets: [{ fd: listener.fd }],
      inherit: source === 'inherited' ? 'pid' : 'none',
    })
    const { warm, end } = (await generation.ready()) as unknown as Record<'warm' | 'end', Held>
    listener.close()
    expect(end.fds).toBe(warm.fds)
    // A leaked server would be some 10 kB a round.
    expect(end.heap - warm.heap).toBeLessThan(serving * 500)
  })
})

interface Held {
  fds: number
  heap: number
}

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}.mjs`, import.meta.url))

const openFds = (): string[] => readdirSync('/proc/self/fd')

function rss(): number {
  const [, pages] = readFileSync('/proc/self/statm', 'utf8').split(' ')
  return Math.round((Number(pages) * 4096) / 2 ** 20)
}
