import { openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import {
  type RestartOptions,
  type RestartResult,
  restartUnderLoad,
} from '@socket-port/testkit/restart'
import { afterEach, describe, expect, it } from 'vitest'
import { expectNothingLost } from '../load/restart-cases.ts'
import { asArguments } from './forms.ts'
import { type Framework, fixtureOf } from './framework.ts'

type Case = Pick<RestartOptions, 'mode'> & { readonly rtt: number }

const SHORT: readonly Case[] = [
  { mode: 'overlap', rtt: 20 },
  { mode: 'one-after-the-other', rtt: 0 },
]
const CASES: readonly Case[] = [
  ...SHORT,
  { mode: 'overlap', rtt: 0 },
  { mode: 'one-after-the-other', rtt: 20 },
]

/** Restarts under the load of fifty strict clients, GET and POST, lose nothing. */
export function restarting(framework: Framework): void {
  describe('restarted under load', () => {
    afterEach(endProcesses)

    it.each(framework.short ? SHORT : CASES)(
      '$mode, round trip $rtt ms: 0 failed',
      async (restart) => {
        expectNothingLost(await restartFramework(framework, restart))
      },
    )
  })
}

/** The same server without our package loses requests under the same load: else 0 proves nothing. */
export function losesWithoutUs(framework: Framework): void {
  it('restarted under load without our package: loses requests', async () => {
    const { rows } = await restartFramework(framework, {
      mode: 'overlap',
      rtt: 20,
      env: { PLAIN: '1' },
      // What it loses by being cut off later is not counted.
      stopTimeout: 500,
    })
    expect(rows.reduce((sum, row) => sum + row.failedBefore, 0)).toBeGreaterThan(0)
    for (const { outcomes } of rows) expect(outcomes.refused).toBe(0)
  })
}

type Options = Case & Pick<RestartOptions, 'env' | 'stopTimeout'>

async function restartFramework(
  framework: Framework,
  { rtt, env, ...options }: Options,
): Promise<RestartResult> {
  const listener = openListener()
  const { call = asArguments } = framework
  const calls = [{ arguments: call({ port: listener.port }) }]
  const fixture = fixtureOf(framework, { LISTEN: JSON.stringify(calls), ...env })
  try {
    return await restartUnderLoad({
      fixture: fixture.command,
      env: fixture.env,
      listener,
      restarts: 2,
      betweenRequests: 250,
      load: { method: 'mixed', think: [0, 20], rtt },
      ...options,
    })
  } finally {
    listener.close()
  }
}
