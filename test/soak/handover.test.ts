import { freePort } from '@socket-port/testkit/native'
import { expect, it } from 'vitest'
import { describeHandover, expectNothingNoticed } from '../suites/handover/box.ts'

// SOCKET_PORT_SOAK=20 is the short form that CI runs.
const restarts = Math.min(200, Number(process.env.SOCKET_PORT_SOAK ?? 200))

await describeHandover('connections handed over', (box) => {
  it(`${restarts} times in a row: 0 failed, 0 closed, and no descriptor leaks`, async () => {
    const stored = freePort()
    const app = await box.start({ servers: [{}, { port: stored, fdStore: true }] })
    const target = [{ port: app.port }, { port: stored }]
    const options = { clients: 50, method: 'mixed', think: [0, 20], rtt: 10 } as const
    const load = await app.load({ ...options, idle: { clients: 50, request: false } }, target)
    const counts = []
    for (let restart = 0; restart < restarts; restart += 1) {
      await app.restart()
      await load.oneRequestEach()
      counts.push(await app.openFds())
    }
    const result = await load.stop()
    expectNothingNoticed(result, 100)
    expect(result.idle.closed).toEqual({ fin: 0, reset: 0, data: 0 })
    // The manager closes what belonged to a process some time after the next one is ready.
    const [managers, services] = [counts.map((c) => c.manager), counts.map((c) => c.service)]
    const [first = 0] = managers
    expect(Math.min(...managers.slice(-5))).toBeLessThanOrEqual(first)
    expect(Math.max(...managers) - first).toBeLessThan(10)
    expect(Math.max(...services) - Math.min(...services)).toBeLessThan(10)
    await app.untilStored(1)
    expect(await app.log()).not.toMatch(/warning|error/i)
    console.log(`${result.requests} requests, ${restarts} restarts: 0 failed, 0 closed`)
  })

  it('10,000 that never ask, 5 times: 0 failed, 0 closed', async () => {
    const set = { keepAliveTimeout: 600_000, headersTimeout: 0 }
    // A restart that comes before all were received leaves their queue in the store, beside its own.
    const app = await box.start({ servers: [{ set }], lines: ['LimitNOFILE=20000'], store: 16 })
    const idle = { clients: 9_950, request: false }
    const load = await app.load({ clients: 50, rtt: 20, timeout: 60_000, idle })
    for (let restart = 0; restart < 5; restart += 1) {
      await app.restart()
      await load.oneRequestEach()
    }
    const result = await load.stop()
    expectNothingNoticed(result, 10_000)
    expect(result.idle.closed).toEqual({ fin: 0, reset: 0, data: 0 })
  })

  it('what the next process has no server for is closed after 10 seconds', async () => {
    const [old, other] = [freePort(), freePort()]
    const app = await box.start({ listen: null, servers: [{ port: old }, { port: other }] })
    const client = await app.connect(old)
    const stays = await app.connect(other)
    await app.install({ listen: null, servers: [{ port: other }] })
    await app.restart()
    expect(await stays.who()).toMatchObject({ connections: 1 })
    await client.raw.closed
    await box.systemd.logHolds(app.unit, `made to 127.0.0.1:${old}`)
  })
})
