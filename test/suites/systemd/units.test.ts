import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Load, startLoad } from '@socket-port/testkit/load/load'
import type { LoadResult } from '@socket-port/testkit/load/result'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import {
  bootSystemd,
  pathInBox,
  RELEASES,
  readUnits,
  releaseSkipReason,
  type SystemdBox,
  type Units,
} from '@socket-port/testkit/systemd/index'
import { afterEach, describe, expect, it } from 'vitest'

const EXAMPLES = fileURLToPath(new URL('../../../examples/systemd/', import.meta.url))

// 20 in CI.
const RESTARTS = Number(process.env.SOCKET_PORT_RESTARTS ?? 5)

afterEach(endProcesses)

/** The units of one way as they stand, but for their place and their ports in the test. */
async function unitsOf(way: string, port: number): Promise<Units> {
  const folder = join(EXAMPLES, way)
  const units = await readUnits(folder)
  const adapted = Object.entries(units).map(([name, unit]) => [
    name,
    unit
      .replaceAll('8080', String(port))
      .replace('ListenStream=8081', `ListenStream=${freePort()}`)
      .replace('/usr/bin/node', pathInBox(process.execPath))
      .replaceAll('/srv/app', pathInBox(folder)),
  ])
  return Object.fromEntries(adapted)
}

for (const release of RELEASES) {
  const name = `the units of examples/systemd on ${release}`
  describe(...requireOrSkip(name, await releaseSkipReason(release)), () => {
    // Type=notify-reload came with systemd 253.
    const ways = ['activation', 'store', 'overlap', ...(release === 'trixie' ? ['reload'] : [])]
    let box: SystemdBox
    let load: Load
    let port: number

    async function boot(way: string): Promise<void> {
      port = freePort()
      box = await bootSystemd({ units: await unitsOf(way, port), release })
    }

    async function underLoad(): Promise<void> {
      const target = ['127.0.0.1', '::1'].map((host) => ({ host, port }))
      load = await startLoad({ target, clients: 48, rtt: 20, think: [0, 20] })
      await load.oneRequestEach()
    }

    async function nothingFailed(...services: string[]): Promise<LoadResult> {
      const result = await load.stop()
      const { failures, requests } = result
      expect(failures).toEqual([])
      expect(requests).toBeGreaterThan(RESTARTS * 48)
      for (const service of services) {
        expect(await box.log(service)).not.toMatch(/warning|error/i)
      }
      return result
    }

    afterEach(async () => {
      load?.dispose()
      await box?.stop()
    })

    it.each([
      ['activation', ['app.socket', 'app-admin.socket', 'app.service']],
      ['store', ['app.service']],
    ])(`%s: ${RESTARTS} restarts under load, 0 failed, 0 closed`, async (way, units) => {
      await boot(way)
      await box.start(...units)
      await underLoad()
      const pids = new Set([await box.mainPid('app.service')])
      for (let count = 1; count <= RESTARTS; count += 1) {
        await box.restart('app.service')
        await load.oneRequestEach()
        pids.add(await box.mainPid('app.service'))
      }
      expect(pids.size).toBe(RESTARTS + 1)
      const { connections } = await nothingFailed('app.service')
      expect(connections).toBe(48)
    })

    it.each(ways)('%s: systemd-analyze verify finds nothing', async (way) => {
      await boot(way)
      const names = Object.keys(await unitsOf(way, port)).map((name) => name.replace('@.', '@1.'))
      expect(await box.verify(...names)).toEqual({ code: 0, stdout: '', stderr: '' })
    })

    it('systemd-analyze verify finds what is wrong', async () => {
      await boot('store')
      const { 'app.service': unit = '' } = await unitsOf('store', port)
      await box.install({ 'app.service': unit.replace('ProtectHome', 'ProtectHouse') })
      expect(JSON.stringify(await box.verify('app.service'))).toContain('ProtectHouse')
    })

    const reloads = ways.includes('reload') ? [RESTARTS] : []
    it.each(reloads)(
      'reload: %i reloads under load, and as many restarts, 0 failed',
      async (times) => {
        await boot('reload')
        await box.start('app.service')
        await underLoad()
        const pid = await box.mainPid('app.service')
        for (let count = 1; count <= times; count += 1) {
          await box.reload('app.service')
          await load.oneRequestEach()
        }
        expect(await box.mainPid('app.service')).toBe(pid)
        for (let count = 1; count <= times; count += 1) {
          await box.restart('app.service')
          await load.oneRequestEach()
        }
        await nothingFailed('app.service')
      },
    )

    it(`overlap: ${RESTARTS} times the next instance, then the last one’s end, 0 failed`, async () => {
      await boot('overlap')
      await box.start('app.socket')
      await underLoad()
      for (let count = 1; count <= RESTARTS; count += 1) {
        const [next, last] = count % 2 === 1 ? [2, 1] : [1, 2]
        expect(await box.mainPid(`app@${last}.service`)).toBeGreaterThan(0)
        await box.start(`app@${next}.service`)
        await box.stopUnit(`app@${last}.service`)
        await load.oneRequestEach()
        // A connection that the other one serves has not started it again.
        expect(await box.mainPid(`app@${last}.service`)).toBe(0)
      }
      await nothingFailed('app@1.service', 'app@2.service')
    })
  })
}
