import { expect, it } from 'vitest'
import { describeHandover, expectNothingNoticed } from './box.ts'

await describeHandover('the number of connections handed over', (box) => {
  it.each([
    [1_000, { clients: 1_000, method: 'mixed', think: [0, 1_000] }, 2],
    [10_000, { clients: 50, think: [0, 20], idle: { clients: 9_950 } }, 2],
  ] as const)('%i: 0 failed, 0 closed', async (connections, options, restarts) => {
    const set = { keepAliveTimeout: 600_000, headersTimeout: 0 }
    const app = await box.start({ servers: [{ set }], lines: ['LimitNOFILE=20000'] })
    // On a busy machine ten thousand connections take longer than the ten seconds that a request has elsewhere.
    const load = await app.load({ ...options, timeout: 60_000 })
    for (let restart = 0; restart < restarts; restart += 1) {
      await app.restart()
      const received = `SOCKET-PORT ${await app.pid()}: received ${connections} connections`
      await box.systemd.logHolds(app.unit, received)
      await load.oneRequestEach()
    }
    const result = await load.stop()
    expectNothingNoticed(result, connections)
    expect(result.idle.closed).toEqual({ fin: 0, reset: 0, data: 0 })
    expect(await app.log()).not.toMatch(/warning|error/i)
  })
})
