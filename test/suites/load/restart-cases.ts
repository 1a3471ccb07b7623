import type { LoadOptions } from '@socket-port/testkit/load/options'
import { openListener } from '@socket-port/testkit/native'
import {
  type RestartOptions,
  type RestartResult,
  restartUnderLoad,
} from '@socket-port/testkit/restart'
import { expect } from 'vitest'

const FIXTURE = new URL('../../fixtures/core-serve.mjs', import.meta.url).pathname

/** A load of fifty strict clients, and what else is special about the restarts under it. */
export interface RestartCase {
  name: string
  load: Omit<LoadOptions, 'target'>
  idleClients?: number
  drain?: Readonly<Record<string, unknown>>
  /** What the server takes for each request, in milliseconds. @default 5 */
  serviceMs?: number
}

/** Never a pause, or pauses in which a connection is idle; no network in between, or a slow one. */
export const CASES: readonly RestartCase[] = [
  { name: 'saturating', load: { method: 'mixed' } },
  { name: 'with pauses', load: { method: 'mixed', think: [0, 20] } },
  { name: 'with pauses, round trip 20 ms', load: { method: 'mixed', think: [0, 20], rtt: 20 } },
  { name: 'POST, round trip 20 ms', load: { method: 'POST', rtt: 20 } },
  { name: 'a connection for each request', load: { connection: 'per-request', rtt: 20 } },
]

export const MODES = ['overlap', 'one-after-the-other'] as const

export interface CaseOptions {
  mode: RestartOptions['mode']
  restarts: number
  execPath?: string
  betweenRequests?: number
}

/** Restarts the echo server on one inherited socket under the load of the case. */
export async function restartCase(
  { load, idleClients = 0, drain = {}, serviceMs = 5 }: RestartCase,
  options: CaseOptions,
): Promise<RestartResult> {
  const listener = openListener()
  try {
    return await restartUnderLoad({
      fixture: FIXTURE,
      listener,
      env: {
        DRAIN: JSON.stringify(drain),
        SERVICE_MS: String(serviceMs),
        // No idle connection may end before the restart, however long it takes to open them all. The drain keeps 5 s of it.
        KEEP_ALIVE: '60000',
      },
      load: { clients: 50, ...load },
      idleClients,
      ...options,
    })
  } finally {
    listener.close()
  }
}

/** Every request of every client was answered, in order, in full; every process ended well. */
export function expectNothingLost(result: RestartResult): void {
  expect(result.total.failures).toEqual([])
  expect(result.total.failed).toBe(0)
  expect(result.stderr).toBe('')
  for (const row of result.rows) {
    expect(row.exit).toMatchObject({ code: 0, signal: null })
    expect(row.forced).toBe(false)
    expect(row.requests).toBeGreaterThan(0)
  }
  expect(result.lastExit).toMatchObject({ code: 0, signal: null })
}
