import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { type Load, startLoad } from '../src/load/load.ts'
import type { LoadOptions } from '../src/load/options.ts'
import { freePort } from '../src/native.ts'
import { endProcesses } from '../src/processes.ts'
import { requireOrSkip } from '../src/requirements.ts'
import {
  bootSystemd,
  pathInBox,
  RELEASES,
  releaseSkipReason,
  type SystemdBox,
} from '../src/systemd/index.ts'

const SERVER = fileURLToPath(new URL('../fixtures/core-serve.mjs', import.meta.url))

// 20 in CI.
const RESTARTS = Number(process.env.SOCKET_PORT_RESTARTS ?? 5)

afterEach(endProcesses)

for (const release of RELEASES) {
  const name = `connections handed over through the store of systemd on ${release}`
  describe(...requireOrSkip(name, await releaseSkipReason(release)), () => {
    let box: SystemdBox
    let load: Load
    let port: number

    async function boot(env: Record<string, string> = {}, store = 4): Promise<void> {
      port = freePort()
      const settings = Object.entries({ PORT: String(port), NODE_DEBUG: 'socket-port', ...env })
      const lines = settings.map(([key, value]) => `Environment='${key}=${value}'`).join('\n')
      box = await bootSystemd({
        release,
        units: {
          'app.socket': `[Socket]\nListenStream=${port}\nBacklog=4096\n`,
          'app.service': `[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=notify\n${lines}
ExecStart=${pathInBox(process.execPath)} ${pathInBox(SERVER)}\nFileDescriptorStoreMax=${store}\n`,
        },
      })
      await box.start('app.socket', 'app.service')
    }

    async function underLoad(options: Omit<LoadOptions, 'target'>): Promise<void> {
      load = await startLoad({ target: { port }, ...options })
      await load.round()
    }

    afterEach(async () => {
      load?.dispose()
      await box?.stop()
    })

    it.each([
      ['50 GET, saturating', { clients: 50 }],
      ['50 POST, round trip 20 ms', { clients: 50, method: 'POST', rtt: 20, think: [0, 20] }],
      ['500 GET and POST', { clients: 500, method: 'mixed', think: [0, 1_000] }],
    ] satisfies [string, Omit<LoadOptions, 'target'>][])(
      `%s, ${RESTARTS} restarts: 0 failed, 0 closed`,
      async (_, options) => {
        await boot()
        await underLoad(options)
        for (let restart = 1; restart <= RESTARTS; restart += 1) {
          await box.restart('app.service')
          await load.round()
        }
        const { failures, connections, closedByServer, requests } = await load.stop()
        expect(failures).toEqual([])
        expect({ connections, closedByServer }).toEqual({
          connections: options.clients,
          closedByServer: 0,
        })
        expect(requests).toBeGreaterThan(RESTARTS * options.clients)
        expect(await box.log('app.service')).not.toMatch(/warning|error/i)
      },
    )

    it('are none without a store: their promise is kept', async () => {
      await boot({}, 0)
      await underLoad({ clients: 50, rtt: 20, think: [0, 20] })
      for (let restart = 1; restart <= 5; restart += 1) {
        await box.restart('app.service')
        await load.round()
      }
      const { failures, connections } = await load.stop()
      expect(failures).toEqual([])
      expect(connections).toBeGreaterThan(5 * 50)
    })
  })
}
