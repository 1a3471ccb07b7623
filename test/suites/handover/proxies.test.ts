import { fileURLToPath } from 'node:url'
import { type Load, startLoad } from '@socket-port/testkit/load/load'
import type { LoadResult } from '@socket-port/testkit/load/result'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { haproxy } from '@socket-port/testkit/proxies/haproxy'
import { nginx } from '@socket-port/testkit/proxies/nginx'
import { type ReverseProxy, startProxy } from '@socket-port/testkit/proxies/proxy'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import {
  bootSystemd,
  pathInBox,
  type SystemdBox,
  systemdSkipReason,
} from '@socket-port/testkit/systemd/index'
import { afterEach, describe, expect, it } from 'vitest'
import { readRoot } from '../../src/docs/documents.ts'
import { codeBlocks } from '../../src/docs/markdown.ts'

// As many as a proxy needs connections: each client waits for one response at a time.
const CLIENTS = 50
const LOAD = { clients: CLIENTS, connection: 'mixed', method: 'mixed' } as const

afterEach(endProcesses)

for (const kind of [nginx, haproxy]) {
  const { command } = kind
  const reason = systemdSkipReason() ?? commandSkipReason(command)
  describe(...requireOrSkip(`behind ${command}, without a retry`, reason), () => {
    let box: SystemdBox
    let proxy: ReverseProxy
    let load: Load

    async function boot(fixture: string, settings: string): Promise<void> {
      const port = freePort()
      const script = fileURLToPath(new URL(`../../fixtures/${fixture}.mjs`, import.meta.url))
      box = await bootSystemd({
        units: {
          'app.socket': `[Socket]\nListenStream=127.0.0.1:${port}\nBacklog=4096\n`,
          'app.service': `[Unit]\nStartLimitIntervalSec=0\n[Service]\n${settings}
ExecStart=${pathInBox(process.execPath)} ${pathInBox(script)}\n`,
        },
      })
      await box.start('app.socket', 'app.service')
      proxy = await startProxy(kind, port)
    }

    /** What clients of the proxy see while the service is restarted. */
    async function restarts(count: number): Promise<LoadResult> {
      load = await startLoad({ ...LOAD, target: { port: proxy.port } })
      await load.oneRequestEach()
      for (let restart = 1; restart <= count; restart += 1) {
        await box.restart('app.service')
        await load.oneRequestEach()
      }
      return load.stop()
    }

    /** How many connections the proxy has opened, to whichever generation. */
    async function opened(): Promise<number> {
      const ports = (await box.log('app.service')).match(/^client \d+$/gm)
      return new Set(ports).size
    }

    afterEach(async () => {
      await load?.dispose()
      await proxy?.stop()
      await box?.stop()
    })

    it('is configured as the docs say', () => {
      const blocks = codeBlocks(readRoot('docs/handover.md')).map(({ code }) => code.split('\n'))
      const lines = blocks.find(([first]) => first?.toLowerCase().startsWith(`# ${command}`)) ?? []
      const config = kind.config({ port: 80, upstream: 8080 }).split('\n')
      expect(lines.length).toBeGreaterThan(2)
      expect(config.map((line) => line.trim())).toEqual(
        expect.arrayContaining(lines.slice(1, -1).map((line) => line.trim())),
      )
    })

    it('20 restarts under load, one without: 0 failed, and the pool never connects anew', async () => {
      // A restart that comes before all were received leaves their queue in the store, beside its own.
      await boot('core-connections', 'Type=notify\nFileDescriptorStoreMax=32')
      const busy = await restarts(20)
      await box.restart('app.service')
      const idle = await restarts(0)
      expect([busy.failures, idle.failures]).toEqual([[], []])
      expect(busy.requests).toBeGreaterThan(20 * CLIENTS)
      // The restarts themselves have filled the pool: every client waits then.
      expect(await opened()).toBe(CLIENTS)
      expect(proxy.complaints()).toEqual([])
      expect(await box.log('app.service')).not.toMatch(/warning|error/i)
    })

    it('the promise alone: 0 failed, but the pool connects anew at each restart', async () => {
      await boot('core-connections', `Type=notify\nEnvironment='DRAIN={"idle":"promise"}'`)
      const { failures } = await restarts(5)
      expect(failures).toEqual([])
      expect(await opened()).toBeGreaterThan(2 * CLIENTS)
      expect(proxy.complaints()).toEqual([])
    })

    it('plain server.close() never ends on a pool, and what is in flight fails when systemd ends it', async () => {
      await boot('plain-close', 'TimeoutStopSec=500ms')
      await untilLost(() => restarts(3))
      expect(proxy.complaints()).not.toEqual([])
    })
  })
}
