import { startLoad } from '@socket-port/testkit/load/load'
import type { LoadResult } from '@socket-port/testkit/load/result'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import {
  bootSystemd,
  pathInBox,
  RELEASES,
  releaseSkipReason,
  type SystemdBox,
} from '@socket-port/testkit/systemd/index'
import { afterEach, describe, expect, it } from 'vitest'
import { type Bundle, bundle } from '../../src/bundle.ts'

const BUNDLES = (['esbuild', 'rolldown'] as const).flatMap((bundler) =>
  (['cjs', 'esm'] as const).map((format) => ({ bundler, format, program: 'bundled-server.mjs' })),
)

for (const release of RELEASES) {
  const name = `a bundle without node_modules as a service of ${release}`
  describe(...requireOrSkip(name, await releaseSkipReason(release)), () => {
    let box: SystemdBox | undefined
    let made: Bundle | undefined
    afterEach(async () => {
      await endProcesses()
      await box?.stop()
      made?.dispose()
    })

    async function boot(
      settings: readonly string[],
      options = BUNDLES[0],
    ): Promise<{ box: SystemdBox; port: number; bundle: Bundle }> {
      if (options === undefined) throw new Error('there is no bundle')
      const port = freePort()
      made = await bundle(options)
      const service = [
        '[Unit]',
        'StartLimitIntervalSec=0',
        '[Service]',
        `Environment=PORT=${port}`,
        `ExecStart=${pathInBox(process.execPath)} ${made.file}`,
        ...settings,
        '',
      ]
      const units = {
        'app.socket': `[Socket]\nListenStream=127.0.0.1:${port}\n`,
        'app.service': service.join('\n'),
      }
      box = await bootSystemd({ units, release })
      await box.start('app.socket')
      return { box, port, bundle: made }
    }

    async function restartUnderLoad(box: SystemdBox, port: number): Promise<LoadResult> {
      const load = await startLoad({
        target: { port },
        clients: 20,
        method: 'mixed',
        think: [0, 20],
      })
      await load.oneRequestEach()
      for (let restart = 0; restart < 3; restart += 1) {
        await box.restart('app.service')
        await load.oneRequestEach()
      }
      return load.stop()
    }

    it.each(BUNDLES)('of $bundler as $format is ready and restarts without a loss', async (how) => {
      const { box, port } = await boot(['Type=notify', 'WatchdogSec=5'], how)
      await box.start('app.service')
      const status = await box.show('app.service', 'StatusText')
      expect(status).toBe(`listening on http://127.0.0.1:${port}`)
      const { failures, failed } = await restartUnderLoad(box, port)
      expect({ failures, failed }).toEqual({ failures: [], failed: 0 })
      await box.stopUnit('app.service')
      expect(await box.show('app.service', 'Result')).toBe('success')
      expect(box.managerLog).not.toMatch(/Watchdog timeout/)
      expect(await box.log('app.service')).not.toContain('notifications do not reach')
    })

    it('negative control: with plain server.close() it loses requests', async () => {
      const plain = ['Environment=PLAIN=1', 'TimeoutStopSec=500ms']
      const { box, port } = await boot(['Type=notify', ...plain])
      await box.start('app.service')
      await untilLost(() => restartUnderLoad(box, port))
    })

    it('with the platform package beside it warns of nothing', async () => {
      const { box, bundle } = await boot(['Type=notify'])
      bundle.addNative()
      await box.start('app.service')
      await box.restart('app.service')
      expect(await box.log('app.service')).not.toMatch(/warn|libc/i)
    })

    it('of a user is heard with NotifyAccess=all', async () => {
      const { box } = await boot(['Type=notify', 'User=nobody', 'NotifyAccess=all'])
      await box.start('app.service')
      expect(await box.show('app.service', 'StatusText')).toMatch(/^listening on /)
    })

    it.each(['main', 'exec'])(
      'of a user is not heard with NotifyAccess=%s, and says so',
      async (access) => {
        const { box } = await boot(['Type=notify', 'User=nobody', `NotifyAccess=${access}`])
        const started = box.systemctl('start', 'app.service')
        const mend = 'or set NotifyAccess=all or Type=exec in the unit'
        expect(await box.logHolds('app.service', mend)).toContain(
          'unless root runs that program, systemd accepts it only with NotifyAccess=all',
        )
        await box.stopUnit('app.service')
        expect((await started).code).not.toBe(0)
      },
    )

    it('of a user starts with Type=exec, and says nothing of it', async () => {
      const { box } = await boot(['Type=exec', 'User=nobody'])
      await box.start('app.service')
      await box.logHolds('app.service', 'libc cannot be used')
      expect(await box.log('app.service')).not.toContain('notifications do not reach')
    })
  })
}
