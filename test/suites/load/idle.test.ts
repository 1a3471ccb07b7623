import { endProcesses } from '@socket-port/testkit/processes'
import { afterAll, describe, expect, it } from 'vitest'
import { expectNothingLost, MODES, restartCase } from './restart-cases.ts'

afterAll(endProcesses)

const IDLE = 10_000

describe.each(MODES)(`${IDLE} idle connections, %s`, (mode) => {
  // Both wait for most of the time.
  it.concurrent.each([
    ['after a request', true],
    ['that never asked', false],
  ])(
    '%s: each is kept for its promise, then closed, and nobody else notices',
    async (_, request) => {
      const result = await restartCase(
        {
          name: 'many',
          load: { clients: 10, think: [0, 20], idle: { clients: IDLE, request } },
          idleClients: IDLE,
        },
        { mode, restarts: 1, betweenRequests: 50 },
      )
      expectNothingLost(result)
      expect(result.total.idle.closed).toEqual({ fin: IDLE, reset: 0, data: 0 })
      expect(result.rows[0]?.signalToExit).toBeGreaterThan(4_900)
    },
  )
})
