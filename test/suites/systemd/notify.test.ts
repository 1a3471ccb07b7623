import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { get as httpGet } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { freePort } from '@socket-port/testkit/native'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import {
  bootSystemd,
  pathInBox,
  RELEASES,
  releaseSkipReason,
  type SystemdBox,
  type Units,
} from '@socket-port/testkit/systemd/index'
import { afterEach, describe, expect, it } from 'vitest'
import { finishUpload, startUpload } from '../cli/supervising.ts'

const SERVER = fileURLToPath(new URL('../../fixtures/core-notify.mjs', import.meta.url))

interface Service {
  options?: object
  /** Lines of [Service]. */
  settings?: string[]
  type?: string
}

function ask(port: number, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    httpGet({ host: '127.0.0.1', port, path, agent: false }, (response) =>
      resolve(text(response)),
    ).on('error', reject)
  })
}

for (const release of RELEASES) {
  const name = `systemd on ${release} hears of`
  describe(...requireOrSkip(name, await releaseSkipReason(release)), () => {
    let box: SystemdBox
    let port: number
    afterEach(() => box?.stop())

    /** A socket and its service, as `app`; requests wait in the socket while none runs. */
    async function boot({ options = {}, settings = [], type = 'notify' }: Service = {}) {
      port = freePort()
      const service = [
        '[Unit]',
        'StartLimitIntervalSec=0',
        '[Service]',
        `Type=${type}`,
        `Environment="OPTIONS=${JSON.stringify({ port, ...options }).replace(/"/g, '\\"')}"`,
        `ExecStart=${pathInBox(process.execPath)} ${pathInBox(SERVER)}`,
        ...settings,
      ]
      const units: Units = {
        'app.socket': `[Socket]\nListenStream=127.0.0.1:${port}\n`,
        'app.service': `${service.join('\n')}\n`,
      }
      box = await bootSystemd({ units, release })
      await box.start('app.socket')
    }

    const show = (property: string): Promise<string> => box.show('app.service', property)
    const silent = async (): Promise<void> =>
      expect(await box.log('app.service')).not.toMatch(/warning|error/i)

    it('the start, when the server listens: READY=1 and where', async () => {
      await boot()
      await box.start('app.service')
      expect(await show('ActiveState')).toBe('active')
      expect(await show('StatusText')).toBe(`listening on http://127.0.0.1:${port}`)
      // No child may speak for the process.
      expect(await box.logHolds('app.service', 'ready')).toContain('"env":[]')
      await silent()
    })

    it('no start from a server that does not take part (the control)', async () => {
      await boot({ options: { notify: false } })
      const started = box.systemctl('start', 'app.service')
      await box.logHolds('app.service', '"ready":true')
      // It would have told before it answers.
      expect(await ask(port)).toBe('ok')
      expect(await show('ActiveState')).toBe('activating')
      await box.stopUnit('app.service')
      expect((await started).code).not.toBe(0)
    })

    it('a start that the program tells itself', async () => {
      await boot({ options: { notify: false }, settings: ['Environment=READY=warm'] })
      await box.start('app.service')
      expect(await show('StatusText')).toBe('warm')
    })

    it('a shutdown that the process has begun, and what is left', async () => {
      await boot()
      await box.start('app.service')
      const upload = await startUpload(port)
      const first = ask(port, '/shutdown')
      await box.until('app.service', 'ActiveState', 'deactivating')
      await box.until('app.service', 'StatusText', (status) =>
        /^draining: 1 request; \d+ s left$/.test(status),
      )
      expect(await first).toBe('ok')
      expect(await finishUpload(upload)).toContain('rest')
      await box.until('app.service', 'ActiveState', 'inactive')
      expect(await show('Result')).toBe('success')
      await silent()
    })

    it('a drain longer than TimeoutStopSec, and waits', async () => {
      await boot({ settings: ['TimeoutStopSec=2'] })
      await box.start('app.service')
      const mainPid = await box.mainPid('app.service')
      const slow = ask(port, '/after?ms=4000')
      await ask(port)
      await box.systemctl('stop', 'app.service')
      expect(await slow).toBe('ok')
      expect(mainPid).toBeGreaterThan(0)
      expect(await show('Result')).toBe('success')
      await silent()
    })

    it('nothing of a drain without notify, and cuts it (the control)', async () => {
      await boot({
        type: 'exec',
        options: { notify: false },
        settings: ['TimeoutStopSec=1'],
      })
      await box.start('app.service')
      const upload = await startUpload(port)
      const cut = once(
        upload.on('error', () => {}),
        'close',
      )
      await box.systemctl('stop', 'app.service')
      await cut
      expect(await show('Result')).toBe('timeout')
    })

    it('no plea for time from an event loop that is blocked, and cuts it', async () => {
      await boot({ settings: ['TimeoutStopSec=1'] })
      await box.start('app.service')
      await ask(port, '/block-at-end')
      await box.systemctl('stop', 'app.service')
      expect(await show('Result')).toBe('timeout')
    })

    describe('the watchdog', () => {
      const settings = ['WatchdogSec=3', 'Restart=always', 'RestartSec=0', 'TimeoutAbortSec=2']
      const timedOut = /app\.service: Watchdog timeout/

      it('that the process lives, over two restarts', async () => {
        await boot({ settings })
        await box.start('app.service')
        for (let restart = 0; restart <= 2; restart += 1) {
          if (restart > 0) await box.restart('app.service')
          const pid = await box.mainPid('app.service')
          expect(await ask(port, '/after?ms=5000')).toBe('ok')
          expect(await box.mainPid('app.service')).toBe(pid)
        }
        expect(box.managerLog).not.toMatch(timedOut)
        expect(await show('NRestarts')).toBe('0')
        await silent()
      })

      it('that the process lives while it drains', async () => {
        await boot({ settings })
        await box.start('app.service')
        const slow = ask(port, '/after?ms=4000')
        await ask(port)
        await box.systemctl('restart', 'app.service')
        expect(await slow).toBe('ok')
        expect(box.managerLog).not.toMatch(timedOut)
      })

      it.each([
        ['is stopped', () => box.kill('app.service', 'SIGSTOP')],
        ['blocks its event loop', () => ask(port, '/block').catch(() => {})],
      ])('that the process %s', async (_, hang) => {
        await boot({ settings })
        await box.start('app.service')
        const pid = await box.mainPid('app.service')
        await hang()
        await box.until('app.service', 'NRestarts', '1')
        // It waits for the next one.
        expect(await ask(port)).toBe('ok')
        expect(await box.mainPid('app.service')).not.toBe(pid)
        expect(box.managerLog).toMatch(timedOut)
      })
    })

    it('a reload, and how it went', async () => {
      await boot()
      const type = (await box.version()) >= 253 ? 'notify-reload' : 'notify'
      const config = join(box.dir, 'config.json')
      const write = (name: string): void => writeFileSync(config, name)
      await box.install({
        'app.service.d/reload.conf': [
          '[Service]',
          `Type=${type}`,
          `Environment=CONFIG=${config}`,
          ...(type === 'notify' ? ['ExecReload=/bin/kill -HUP $MAINPID'] : []),
        ].join('\n'),
      })
      write('{"name":"one"}')
      await box.start('app.service')
      const pid = await box.mainPid('app.service')
      const status = await show('StatusText')

      await box.reload('app.service')
      await box.logHolds('app.service', 'config one')
      write('{')
      await box.reload('app.service')
      await box.until('app.service', 'StatusText', (text) =>
        text.startsWith('reload failed: readConfig failed: SyntaxError: '),
      )
      expect(await ask(port)).toBe('ok')
      write('{"name":"two"}')
      await box.reload('app.service')
      await box.logHolds('app.service', 'config two')
      await box.until('app.service', 'StatusText', status)
      await box.until('app.service', 'ActiveState', 'active')
      expect(await box.mainPid('app.service')).toBe(pid)
    })
  })
}
