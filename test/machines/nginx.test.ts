import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { NGINX_WORKERS, nginx } from '../src/machines/balancers.ts'
import { testReloads } from '../src/machines/cases.ts'
import { describeMachines } from '../src/machines/site.ts'
import { NAMES } from '../src/machines/two-machines.ts'

describeMachines('two machines behind nginx, without a retry', 'nginx', (site) => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'socket-port-without-'))
    // The workers of nginx are another user, who must be able to look into it.
    chmodSync(folder, 0o755)
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  testReloads(site, () => nginx(site.machines, folder))

  it('stops and starts, one after the other, each left out by its file: 0 failed', async () => {
    const { machines } = site
    // nginx looks for the file at each request, so a short delay is enough.
    await machines.startBoth({ DRAIN_DELAY: '1000' })
    const { load, balancer } = await site.underLoad(nginx(machines, folder))
    for (const name of NAMES) {
      writeFileSync(join(folder, name), '')
      expect(await machines.stop(name)).toMatchObject({ code: 0 })
      await load.oneRequestEach()
      await machines.start(name)
      rmSync(join(folder, name))
      await load.oneRequestEach()
    }
    expect((await load.stop()).failures).toEqual([])
    expect(balancer.complaints().slice(0, 5)).toEqual([])
  })

  // Clients that keep connections alive may lose a request to the reload of nginx itself, wherever it is sent to.
  it('a stop of an instance that is marked as down, one connection for each request: 0 failed', async () => {
    const { machines } = site
    await machines.startBoth({ DRAIN_DELAY: '1000' })
    const kind = nginx(machines, folder)
    const { load, balancer } = await site.underLoad(kind, { connection: 'per-request' })
    const server = `server ${machines.addressOf('a')}:8080`
    const config = kind.config({ port: balancer.port, upstream: 0 })
    await balancer.reconfigure(config.replaceAll(server, `${server} down`))
    for (let worker = 1; worker <= NGINX_WORKERS; worker += 1) {
      await balancer.printed(/worker process \d+ exited with code 0/)
    }
    expect(await machines.stop('a')).toMatchObject({ code: 0 })
    await load.oneRequestEach()
    expect((await load.stop()).failures).toEqual([])
    expect(balancer.complaints().slice(0, 5)).toEqual([])
  })

  it('negative control: a stop that nginx was not told of loses requests', async () => {
    const { machines } = site
    await machines.startBoth({ DRAIN_DELAY: '0' })
    const { load } = await site.underLoad(nginx(machines, folder))
    await untilLost(async () => {
      await machines.stop('a')
      await load.oneRequestEach()
      const counts = await load.countsSinceLast()
      await machines.start('a')
      return counts
    })
  })
})
