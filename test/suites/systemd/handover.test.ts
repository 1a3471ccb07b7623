import { fileURLToPath } from 'node:url'
import type { LoadOptions } from '@socket-port/testkit/load/options'
import { freePort } from '@socket-port/testkit/native'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { expect, it } from 'vitest'
import { describeHandover, expectNothingNoticed } from '../handover/box.ts'

const SERVER = fileURLToPath(new URL('../../fixtures/core-serve.mjs', import.meta.url))

// 20 in CI.
const RESTARTS = Number(process.env.SOCKET_PORT_RESTARTS ?? 5)

await describeHandover('connections handed over through the store', (box) => {
  /** What clients see of restarts of a server that takes some milliseconds for a response. */
  async function restarts(count: number, options: Omit<LoadOptions, 'target'>, store?: number) {
    const port = String(freePort())
    const app = await box.start({
      listen: port,
      env: { PORT: port },
      command: [process.execPath, SERVER].map(pathInBox),
      ...(store !== undefined && { store }),
    })
    const load = await app.load(options, { port: Number(port) })
    for (let restart = 0; restart < count; restart += 1) {
      await app.restart()
      await load.oneRequestEach()
    }
    return { app, result: await load.stop() }
  }

  it.each([
    ['50 GET, saturating', { clients: 50 }],
    ['50 POST, round trip 20 ms', { clients: 50, method: 'POST', rtt: 20, think: [0, 20] }],
    ['500 GET and POST', { clients: 500, method: 'mixed', think: [0, 1_000] }],
  ] as const)(`%s, ${RESTARTS} restarts: 0 failed, 0 closed`, async (_, options) => {
    const { app, result } = await restarts(RESTARTS, options)
    expectNothingNoticed(result, options.clients)
    expect(result.requests).toBeGreaterThan(RESTARTS * options.clients)
    expect(await app.log()).not.toMatch(/warning|error/i)
  })

  it('are none without a store: their promise is kept', async () => {
    const options = { clients: 50, rtt: 20, think: [0, 20] } as const
    const { result } = await restarts(5, options, 0)
    expect(result.failures).toEqual([])
    expect(result.connections).toBeGreaterThan(5 * 50)
  })
})
