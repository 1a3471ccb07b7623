import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, describe, expect, it } from 'vitest'
import { CASES, expectNothingLost, MODES, restartCase } from './restart-cases.ts'

afterEach(endProcesses)

describe.each(MODES)('restarts on one inherited socket, %s', (mode) => {
  it.each(CASES)('$name: 0 failed', async (restart) => {
    expectNothingLost(await restartCase(restart, { mode, restarts: 6 }))
  })

  it('a next process that runs already takes the new connections: 0 failed', async () => {
    const restart = { name: '', load: { rtt: 20 }, drain: { successor: 'running' } }
    expectNothingLost(await restartCase(restart, { mode, restarts: 6 }))
  })
})

describe('new connections', () => {
  it('wait for a next process that starts afterwards, and not for the drain before it', async () => {
    const { rows, ...result } = await restartCase(
      // A thousand requests a second. Without pauses all fifty wait at once, and how fast a cold
      // process answers fifty first requests would be most of what is measured.
      {
        name: 'stall',
        load: { think: [0, 100] },
        serviceMs: 0,
        idleClients: 5,
        drain: { idleTimeout: 2_000 },
      },
      { mode: 'one-after-the-other', restarts: 4, betweenRequests: 200 },
    )
    expectNothingLost({ rows, ...result })
    // They wait for the old process to end and for the next one to answer, which takes longer on a busy machine.
    const waits = rows.map(
      ({ longestStall, spawnToReady }) => (longestStall?.ms ?? 0) - spawnToReady,
    )
    const drains = rows.map(({ signalToExit }) => signalToExit)
    expect(Math.min(...drains)).toBeGreaterThan(1_900)
    expect(median(waits)).toBeLessThan(median(drains) / 2)
  })
})

const median = (numbers: number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
