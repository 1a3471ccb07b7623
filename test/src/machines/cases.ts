import type { ProxyKind } from '@socket-port/testkit/proxies/proxy'
import { expect, it } from 'vitest'
import type { Site } from './site.ts'
import { NAMES } from './two-machines.ts'
import { codesOf, openWebSockets } from './web-sockets.ts'

/** Tests of reloads, which need nothing from the load balancer. `kind` is called during a test. */
export function testReloads(site: Site, kind: () => ProxyKind): void {
  it('reloads, one after the other: 0 failed, and it notices none', async () => {
    const { machines } = site
    await machines.startBoth()
    const { load, balancer } = await site.underLoad(kind())
    for (const name of [...NAMES, ...NAMES]) {
      await machines.reload(name)
      await load.oneRequestEach()
    }
    expect((await load.stop()).failures).toEqual([])
    // HAProxy would say that a health check has failed.
    expect(balancer.complaints().slice(0, 5)).toEqual([])
    expect(machines.output).not.toMatch(/warning/i)
  })

  it('WebSockets live through reloads, and end with 1001 at a stop', async () => {
    const { machines } = site
    await machines.startBoth({ DRAIN_DELAY: '0' })
    const { port } = await site.balance(kind())
    const clients = await openWebSockets(port)
    for (const name of NAMES) await machines.reload(name)
    const pids = await Promise.all(NAMES.map((name) => machines.pidOf(name)))
    expect(new Set(await Promise.all(clients.map(({ ask }) => ask())))).toEqual(new Set(pids))
    expect(clients.flatMap(({ faults }) => faults)).toEqual([])
    const codes = codesOf(clients)
    await Promise.all(NAMES.map((name) => machines.stop(name)))
    expect(new Set(await codes)).toEqual(new Set([1001]))
  })
}
