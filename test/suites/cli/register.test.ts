import type { LoadResult } from '@socket-port/testkit/load/result'
import { freePort } from '@socket-port/testkit/native'
import type { Supervised } from '@socket-port/testkit/supervised'
import { describe, expect, it } from 'vitest'
import { expectNothingLost, expectStops, fixture, start, underLoad } from './supervising.ts'

const RELOADS = 2

// At SIGTERM it exits at once, and nearly always in the middle of requests.
const EXITS = { AT_ONCE: '1', SERVICE_MS: '20' }

/** Reloads a server that exits at once at SIGTERM, and knows nothing of this package. */
async function reloads(
  args: readonly string[],
  env: Record<string, string>,
  port: number,
): Promise<{ supervised: Supervised; result: LoadResult }> {
  const command = [process.execPath, fixture('plain-close.mjs')]
  const supervised = await start({
    command,
    args: ['--listen', String(port), ...args],
    env: { ...EXITS, ...env },
  })
  const result = await underLoad(
    port,
    async (load) => {
      for (let reload = 0; reload < RELOADS; reload += 1) {
        expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
        await load.moreRequests(100)
      }
    },
    { clients: 10 },
  )
  return { supervised, result }
}

describe('run --register', () => {
  it('restarts a program that binds its port itself: 0 failed', async () => {
    const port = freePort()
    const { supervised, result } = await reloads(['--register'], { PORT: String(port) }, port)
    expectNothingLost(result)
    await expectStops(supervised)
  })

  it('negative control: without it the same program loses requests', async () => {
    // It takes the socket by its number, since its own port is kept.
    const { result } = await reloads(['--ready', 'port'], {}, freePort())
    expect(result.failed).toBeGreaterThan(0)
  })
})
