import { untilLost } from '@socket-port/testkit/load/until-lost'
import { expect, it } from 'vitest'
import { haproxy, isTakenOut } from '../src/machines/balancers.ts'
import { testReloads } from '../src/machines/cases.ts'
import { describeMachines } from '../src/machines/site.ts'
import { NAMES, type Name, PLAIN } from '../src/machines/two-machines.ts'

describeMachines('two machines behind HAProxy, without a retry', 'haproxy', (site) => {
  testReloads(site, () => haproxy(site.machines))

  it('stops and starts, one after the other: 0 failed, and each is taken out before it stops', async () => {
    const { machines } = site
    await machines.startBoth()
    const { load, balancer } = await site.underLoad(haproxy(machines))
    for (const name of NAMES) {
      const stopped = machines.stop(name)
      await balancer.printed(isTakenOut(name))
      expect(await stopped).toMatchObject({ code: 0 })
      await load.oneRequestEach()
      await machines.start(name)
      await balancer.printed(new RegExp(`app/${name} is UP`))
      await load.oneRequestEach()
    }
    expect((await load.stop()).failures).toEqual([])
  })

  it('negative control: plain server.close() loses requests', async () => {
    const { machines } = site
    const start = (name: Name): Promise<void> =>
      machines.startAlone(name, {
        command: [process.execPath, PLAIN],
        env: { PORT: '8080' },
        serves: /"ready":true/,
      })
    await Promise.all(NAMES.map(start))
    const { load, balancer } = await site.underLoad(haproxy(machines))
    await untilLost(async () => {
      const stopped = machines.stop('a')
      await balancer.printed(/app\/a is DOWN/)
      await stopped
      const counts = await load.countsSinceLast()
      await start('a')
      await balancer.printed(/app\/a is UP/)
      return counts
    })
  })

  it('negative control: without health checks a stop loses requests', async () => {
    const { machines } = site
    await machines.startBoth({ DRAIN_DELAY: '0' })
    const unchecked = (config: string): string => config.replace(/^ *default-server check.*\n/m, '')
    const { load } = await site.underLoad(haproxy(machines, unchecked))
    await untilLost(async () => {
      await machines.stop('a')
      await load.oneRequestEach()
      const counts = await load.countsSinceLast()
      await machines.start('a')
      return counts
    })
  })
})
