import { fileURLToPath } from 'node:url'
import { SOCKET_PORT } from '@socket-port/testkit/command'
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
import { untilGone } from '@socket-port/testkit/until-gone'
import { afterEach, describe, expect, it } from 'vitest'
import { finishUpload, startUpload, who } from '../cli/supervising.ts'

const SERVER = fileURLToPath(new URL('../../fixtures/cli-server.mjs', import.meta.url))
const PLAIN = fileURLToPath(new URL('../../fixtures/plain-close.mjs', import.meta.url))
const RELOADS = Number(process.env.SOCKET_PORT_RESTARTS ?? 5)
// notify-reload came with systemd 253.
const NOTIFY_RELOAD = 253

interface UnitOptions {
  port: number
  version: number
  /** @default 'mixed', as `socket-port unit` writes */
  killMode?: 'mixed' | 'control-group'
  /** Seconds. @default 10 */
  watchdog?: number
  /** Options of `run`, `--` and the command. @default the server of these suites */
  command?: readonly string[]
}

function unit({
  port,
  version,
  killMode = 'mixed',
  watchdog = 10,
  command = ['--', SERVER],
}: UnitOptions): string {
  const node = pathInBox(process.execPath)
  const program = pathInBox(command.at(-1) ?? '')
  const words = [
    node,
    pathInBox(SOCKET_PORT),
    'run',
    '--listen',
    String(port),
    '--settle',
    '50',
    ...command.slice(0, -1),
    node,
    program,
  ]
  return [
    '[Unit]',
    'StartLimitIntervalSec=0',
    '[Service]',
    `KillMode=${killMode}`,
    `WatchdogSec=${watchdog}`,
    'NotifyAccess=main',
    ...(version >= NOTIFY_RELOAD
      ? ['Type=notify-reload']
      : ['Type=notify', 'ExecReload=kill -HUP $MAINPID']),
    'RuntimeDirectory=socket-port',
    `ExecStart=${words.join(' ')}`,
    '',
  ].join('\n')
}

afterEach(endProcesses)

for (const release of RELEASES) {
  const name = `socket-port run as a service of ${release}`
  describe(...requireOrSkip(name, await releaseSkipReason(release)), () => {
    let box: SystemdBox | undefined
    afterEach(() => box?.stop())

    async function started(
      options: Omit<UnitOptions, 'port' | 'version'> = {},
    ): Promise<{ box: SystemdBox; port: number }> {
      const port = freePort()
      box = await bootSystemd({ units: {}, release })
      const version = await box.version()
      await box.install({ 'app.service': unit({ port, version, ...options }) })
      await box.start('app.service')
      return { box, port }
    }

    /** The same, and a .socket unit keeps the port. */
    async function startedWithSocket(
      options: Omit<UnitOptions, 'port' | 'version'> = {},
    ): Promise<{ box: SystemdBox; port: number }> {
      const { box, port } = await started(options)
      await box.stopUnit('app.service')
      await box.install({ 'app.socket': `[Socket]\nListenStream=${port}\n` })
      await box.start('app.socket', 'app.service')
      return { box, port }
    }

    async function restartUnderLoad(
      box: SystemdBox,
      port: number,
      restarts = RELOADS,
    ): Promise<LoadResult> {
      const load = await startLoad({
        target: { port },
        clients: 20,
        method: 'mixed',
        connection: 'mixed',
        think: [0, 20],
      })
      await load.oneRequestEach()
      for (let restart = 1; restart <= restarts; restart += 1) {
        await box.restart('app.service')
        await load.moreRequests(100)
      }
      return load.stop()
    }

    it(`${RELOADS} reloads under load: 0 failed, and the main process stays`, async () => {
      const { box, port } = await started()
      const pid = await box.mainPid('app.service')
      expect(await box.show('app.service', 'StatusText')).toMatch(/^generation 1: listening on /)
      const load = await startLoad({
        target: { port },
        clients: 20,
        method: 'mixed',
        think: [0, 20],
      })
      await load.oneRequestEach()
      for (let reload = 1; reload <= RELOADS; reload += 1) {
        await box.reload('app.service')
        await box.until('app.service', 'StatusText', (text) =>
          text.startsWith(`generation ${reload + 1}: listening on `),
        )
        await load.moreRequests(100)
      }
      const { failures, failed } = await load.stop()
      expect(failures).toEqual([])
      expect(failed).toBe(0)
      expect(await box.mainPid('app.service')).toBe(pid)
      await box.stopUnit('app.service')
      const ended = await box.properties('app.service', 'Result', 'ExecMainStatus')
      expect(ended).toEqual({ Result: 'success', ExecMainStatus: '0' })
    })

    it.each(['mixed', 'control-group'] as const)(
      `KillMode=%s: ${RELOADS} systemctl restart under load, with a .socket: 0 failed`,
      async (killMode) => {
        const { box, port } = await startedWithSocket({ killMode })
        expect(await box.show('app.service', 'KillMode')).toBe(killMode)
        const pid = await box.mainPid('app.service')
        expect(await box.log('app.service')).toMatch(/keeps \S+ \(app\.socket\), inherited\n/)
        const { failures, failed } = await restartUnderLoad(box, port)
        expect(failures).toEqual([])
        expect(failed).toBe(0)
        expect(await box.mainPid('app.service')).not.toBe(pid)
        expect(await box.log('app.service')).not.toMatch(/SIGKILL|connections? cut/)
      },
    )

    it('KillMode=control-group: a request that is open at systemctl stop is answered', async () => {
      const { box, port } = await started({ killMode: 'control-group' })
      const upload = await startUpload(port)
      const stopped = box.stopUnit('app.service')
      await box.until('app.service', 'StatusText', 'draining')
      expect(await finishUpload(upload)).toContain('rest')
      await stopped
      const ended = await box.properties('app.service', 'Result', 'ExecMainStatus')
      expect(ended).toEqual({ Result: 'success', ExecMainStatus: '0' })
    })

    it('negative control, KillMode=control-group: a server that only closes loses requests', async () => {
      const command = ['--ready', 'port', '--drain-timeout', '1s', '--', PLAIN]
      const { box, port } = await startedWithSocket({ killMode: 'control-group', command })
      await untilLost(() => restartUnderLoad(box, port, 1))
    })

    it('systemctl restart, with a .socket: new connections are served while it drains', async () => {
      const { box, port } = await startedWithSocket()
      const { pid } = await who(port)
      const upload = await startUpload(port)
      const restarted = box.restart('app.service')
      await box.until('app.service', 'StatusText', 'draining')
      for (let count = 0; count < 20; count += 1) expect((await who(port)).pid).toBe(pid)
      upload.end('rest')
      await restarted
      expect((await who(port)).pid).not.toBe(pid)
    })

    it('a process that hangs is replaced, and the service goes on', async () => {
      const { box, port } = await started({ watchdog: 4 })
      const pid = await box.mainPid('app.service')
      const { pid: worker } = await who(port)
      const hung = box.hostPid(worker)
      process.kill(hung, 'SIGSTOP')
      await untilGone(hung)
      expect((await who(port)).pid).not.toBe(worker)
      expect(await box.mainPid('app.service')).toBe(pid)
      expect(await box.log('app.service')).toContain('stopped unexpectedly')
    })
  })
}
