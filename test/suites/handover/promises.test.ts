import { freePort } from '@socket-port/testkit/native'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { expect, it } from 'vitest'
import { describeHandover, expectNothingNoticed } from './box.ts'

// Node's default, in milliseconds. Before that only the promise can have closed an idle connection.
const HEADERS_TIMEOUT = 60_000

await describeHandover('a connection that was handed over', (box) => {
  const kept = (keepAliveTimeout: number) => ({
    servers: [{ set: { keepAliveTimeout, keepAliveTimeoutBuffer: 0 } }],
  })

  /** How long an idle connection of the first process is kept by the second one, in milliseconds. */
  async function keptFor(before: number, after: number): Promise<number> {
    const app = await box.start(kept(before))
    const { raw } = await app.connect()
    await app.install(kept(after))
    const at = performance.now()
    await app.restart()
    const restarted = performance.now()
    await raw.closed
    expect(raw.error).toBeUndefined()
    expect(performance.now() - at).toBeGreaterThan(Math.max(before, after))
    return performance.now() - restarted
  }

  it('is kept for what was promised, then closed, where the next process promises less', async () => {
    expect(await keptFor(3_000, 500)).toBeLessThan(HEADERS_TIMEOUT)
  })

  it('is kept for what the next process promises where that is longer', async () => {
    expect(await keptFor(1_000, 3_000)).toBeLessThan(HEADERS_TIMEOUT)
  })

  it('is never closed where it was promised so, and counts as one of maxConnections', async () => {
    const app = await box.start(kept(0))
    const client = await app.connect()
    const set = { keepAliveTimeout: 100, headersTimeout: 1_000, maxConnections: 2 }
    await app.install({ servers: [{ set }] })
    await app.restart()
    const other = await app.connect()
    const refused = await RawConnection.open(app.port)
    await refused.closed
    // Longer than its own keepAliveTimeout, which holds for what the process promised itself.
    await other.raw.closed
    expect(await client.who()).toMatchObject({ connections: 1 })
  })

  it('is not answered 408 where it was promised longer than headersTimeout', async () => {
    const set = { keepAliveTimeout: 72_000 }
    const app = await box.start({ servers: [{ set }] })
    const client = await app.connect()
    const create = { headersTimeout: 500, requestTimeout: 600, connectionsCheckingInterval: 50 }
    await app.install({ servers: [{ set, create }] })
    await app.restart()
    const silent = await RawConnection.open(app.port)
    await silent.receive(/^HTTP\/1\.1 408 /)
    expect(await client.who()).toMatchObject({ pid: await app.pid(), remotePort: client.localPort })
  })

  it('is served on while another server of the process has a request to answer', async () => {
    const [busy, idle] = [freePort(), freePort()]
    const app = await box.start({
      listen: null,
      servers: [busy, idle].map((port) => ({ port, fdStore: true })),
    })
    const [holder, client] = [await app.connect(busy), await app.connect(idle)]
    holder.raw.send(get('/hold'))
    await holder.raw.receive(/first /)
    const { old, restarted } = await app.beginRestart()
    expect((await client.who()).pid).toBe(old)
    await app.release()
    await holder.raw.receive(/last of/)
    await restarted
    for (const one of [client, holder]) expect((await one.who()).pid).not.toBe(old)
  })

  it('goes to the server on its port where there are several, all stored, without a socket unit', async () => {
    const [first, second] = [freePort(), freePort()]
    const app = await box.start({
      listen: null,
      servers: [first, second].map((port) => ({ port, fdStore: true, host: '127.0.0.1' })),
    })
    const target = [{ port: first }, { port: second }]
    const load = await app.load({ clients: 40, method: 'mixed', rtt: 10, think: [0, 20] }, target)
    for (let restart = 0; restart < 5; restart += 1) {
      await app.restart()
      await load.oneRequestEach()
    }
    expectNothingNoticed(await load.stop(), 40)
    await app.untilStored(2)
    const log = await app.log()
    expect(log.match(/20 connections handed over/g)).toHaveLength(10)
    expect(log.match(/received 20 connections/g)).toHaveLength(10)
    expect(log).not.toMatch(/warning|error/i)
  })

  it('is not there when the deadline of the drain cuts what is still in flight', async () => {
    const app = await box.start({ servers: [{ drain: { timeout: 4_000, idleTimeout: 500 } }] })
    const [busy, idle] = [await app.connect(), await app.connect()]
    busy.raw.send(get('/hold'))
    await busy.raw.receive(/first /)
    const { old, restarted } = await app.beginRestart()
    expect((await idle.who()).pid).toBe(old)
    await busy.raw.closed
    await restarted
    expect((await idle.who()).pid).not.toBe(old)
    expect(await app.log()).toMatch(/1 connection handed over, 0 idle connections closed, 1 conn/)
  })
})
