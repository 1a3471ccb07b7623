import { fileURLToPath } from 'node:url'
import { freePort, type Listener, openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { type RestartOptions, restartUnderLoad } from '@socket-port/testkit/restart'
import { afterEach, describe, expect, test } from 'vitest'

// Restarts that lose requests, which the load must count. If it counts none here, the zeros of the other suites prove
// nothing.

const RESTARTS = 5
const MIXED_LOAD = { connection: 'mixed', method: 'mixed', rtt: 20, think: [0, 20] } as const
const QUEUEING_LOAD = { connection: 'per-request', think: [0, 20] } as const

const listeners: Listener[] = []

afterEach(async () => {
  await endProcesses()
  for (const listener of listeners.splice(0)) listener.close()
})

describe('plain server.close() on an inherited socket', () => {
  // It never ends by itself, because a connection in flight at the signal is kept alive: so what
  // fails before the manager's patience ends is counted apart.
  const options = { fixture: fixture('plain-close'), load: MIXED_LOAD, stopTimeout: 500 }

  test('overlapped: loses requests on idle connections', async () => {
    const listener = inherited()
    const { rows, total } = await restart({ ...options, mode: 'overlap', listener })
    expect(sum(rows.map((row) => row.failedBefore))).toBeGreaterThan(0)
    expect(total.outcomes.refused).toBe(0)
  })

  test('one after the other: that, and new connections wait for as long as it drains', async () => {
    const listener = inherited()
    const { rows, total } = await restart({ ...options, mode: 'one-after-the-other', listener })
    expect(sum(rows.map((row) => row.failedBefore))).toBeGreaterThan(0)
    expect(total.outcomes.refused).toBe(0)
    for (const row of rows) {
      expect(row.longestStall?.ms).toBeGreaterThan(row.signalToExit / 2)
    }
  })
})

test('stop and start without inheritance: refuses connections in between', async () => {
  const port = freePort()
  const { rows } = await restart({
    fixture: fixture('plain-close'),
    env: { PORT: String(port) },
    target: { port },
    mode: 'one-after-the-other',
    stopTimeout: 500,
    load: MIXED_LOAD,
  })
  for (const row of rows) expect(row.outcomes.refused).toBeGreaterThan(0)
})

describe('the accept queue at a hand-over', () => {
  const options = { fixture: fixture('plain-busy'), load: QUEUEING_LOAD, betweenRequests: 100 }

  test('from one SO_REUSEPORT socket to another is lost', async () => {
    const first = openListener({ reusePort: true })
    const { port } = first
    const listener = (generation: number): Listener =>
      generation === 0 ? first : openListener({ port, reusePort: true })
    const { total } = await restart({ ...options, mode: 'overlap', listener, target: { port } })
    expect(total.outcomes.reset).toBeGreaterThan(0)
  })

  // The same server under the same load, so that the losses above are the hand-over's alone.
  test.each(['overlap', 'one-after-the-other'] as const)(
    'of one inherited socket is served: %s',
    async (mode) => {
      const result = await restart({ ...options, mode, listener: inherited() })
      expect(result.total.failures).toEqual([])
      expect(result.total.failed).toBe(0)
      expect(result.stderr).toBe('')
      for (const { exit } of [...result.rows, { exit: result.lastExit }]) {
        expect(exit).toMatchObject({ code: 0, signal: null })
      }
    },
  )
})

function restart(options: Omit<RestartOptions, 'restarts'>): ReturnType<typeof restartUnderLoad> {
  return restartUnderLoad({ ...options, restarts: RESTARTS })
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/${name}.mjs`, import.meta.url))
}

function inherited(): Listener {
  const listener = openListener()
  listeners.push(listener)
  return listener
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
