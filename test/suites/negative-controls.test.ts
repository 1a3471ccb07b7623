import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { freePort, type Listener, openListener } from '../src/native.ts'
import { endProcesses } from '../src/processes.ts'
import { type RestartOptions, type RestartResult, restartUnderLoad } from '../src/restart.ts'

// What the harness must see being lost. Should one of these ever lose nothing, then the harness is
// blind, and no zero of any other suite proves a thing.

const RESTARTS = 3
const MIXED_LOAD = { connection: 'mixed', method: 'mixed', rtt: 20, think: [0, 20] } as const
const QUEUEING_LOAD = { connection: 'per-request', think: [0, 20] } as const

const listeners: Listener[] = []

afterEach(async () => {
  await endProcesses()
  for (const listener of listeners.splice(0)) listener.close()
})

describe('plain server.close() on an inherited socket', () => {
  const options = {
    fixture: fixture('plain-close'),
    restarts: RESTARTS,
    load: MIXED_LOAD,
    // It never ends by itself: what is in flight at the signal is kept alive.
    stopTimeout: 1_000,
  }

  test('overlapped: resets idle connections that are about to be used', async () => {
    const result = await restartUnderLoad({ ...options, mode: 'overlap', listener: inherited() })
    expectLost(result)
    for (const row of result.rows) expect(row.failedBefore).toBeGreaterThan(0)
    expect(result.total.outcomes.refused).toBe(0)
  })

  test('one after the other: that, and newcomers wait for the whole drain', async () => {
    const mode = 'one-after-the-other'
    const result = await restartUnderLoad({ ...options, mode, listener: inherited() })
    expectLost(result)
    for (const row of result.rows) expect(row.failedBefore).toBeGreaterThan(0)
    expect(result.total.outcomes.refused).toBe(0)
    expect(result.total.longestStall?.ms).toBeGreaterThan(1_000)
  })
})

test('stop and start without inheritance: refuses connections in between', async () => {
  const port = freePort()
  const result = await restartUnderLoad({
    fixture: fixture('plain-close'),
    env: { PORT: String(port) },
    target: { port },
    mode: 'one-after-the-other',
    restarts: RESTARTS,
    stopTimeout: 500,
    load: MIXED_LOAD,
  })
  expectLost(result)
  for (const row of result.rows) expect(row.outcomes.refused).toBeGreaterThan(0)
})

describe('the accept queue at a hand-over', () => {
  const options = {
    fixture: fixture('plain-busy'),
    restarts: RESTARTS,
    load: QUEUEING_LOAD,
    betweenRequests: 100,
  }

  test('from one SO_REUSEPORT socket to another is lost', async () => {
    const first = openListener({ reusePort: true })
    const { port } = first
    const listener: RestartOptions['listener'] = (generation) =>
      generation === 0 ? first : openListener({ port, reusePort: true })
    const result = await restartUnderLoad({
      ...options,
      mode: 'overlap',
      listener,
      target: { port },
    })
    expectLost(result)
    for (const row of result.rows) expect(row.outcomes.reset).toBeGreaterThan(0)
  })

  // The same server under the same load, so that the losses above are the hand-over's alone.
  test.each(['overlap', 'one-after-the-other'] as const)(
    'of one inherited socket is served: %s',
    async (mode) => {
      const result = await restartUnderLoad({ ...options, mode, listener: inherited() })
      expect(result.total.failures).toEqual([])
      expect(result.total.failed).toBe(0)
      expect(result.rows.map((row) => row.exit)).toMatchObject(
        Array.from({ length: RESTARTS }, () => ({ code: 0, signal: null })),
      )
      expect(result.lastExit).toMatchObject({ code: 0, signal: null })
      expect(result.stderr).toBe('')
    },
  )
})

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}.mjs`, import.meta.url))
}

function inherited(): Listener {
  const listener = openListener()
  listeners.push(listener)
  return listener
}

function expectLost(result: RestartResult): void {
  const perRestart = result.rows.map((row) => row.failed)
  expect(result.rows).toHaveLength(RESTARTS)
  expect(Math.min(...perRestart)).toBeGreaterThan(0)
  expect(result.total.failed).toBeGreaterThanOrEqual(perRestart.reduce((sum, one) => sum + one))
}
