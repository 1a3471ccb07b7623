import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Load, startLoad } from '@socket-port/testkit/load/load'
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
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'

const SERVER = fileURLToPath(new URL('../../fixtures/core-store.mjs', import.meta.url))

interface Listen {
  port?: number
  path?: string
  host?: string
  name?: string
  /** @default true */
  fdStore?: boolean
}

interface Service {
  /** Lines of [Service] in place of the usual ones. */
  settings?: string[]
  debug?: boolean
}

const STORE = ['Type=notify', 'FileDescriptorStoreMax=8']

/** A service alone, as `app`: no socket unit. */
function service(listen: Listen[], { settings = STORE, debug = false }: Service = {}): string {
  const options = listen.map((one) => ({ fdStore: true, drain: { idleTimeout: 500 }, ...one }))
  return [
    '[Unit]',
    'StartLimitIntervalSec=0',
    '[Service]',
    'Restart=always',
    'RestartSec=0',
    `Environment="LISTEN=${JSON.stringify(options).replace(/"/g, '\\"')}"`,
    ...(debug ? ['Environment=NODE_DEBUG=socket-port'] : []),
    `ExecStart=${pathInBox(process.execPath)} ${pathInBox(SERVER)}`,
    ...settings,
    '',
  ].join('\n')
}

/** A unix socket that the box and the test both see. */
function socketPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'app.sock')
}

/** `connected`, or why not. */
function outcomeOf(to: { port: number } | { path: string }): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', ...to })
      .once('connect', () => {
        socket.destroy()
        resolve('connected')
      })
      .once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

afterEach(endProcesses)

for (const release of RELEASES) {
  const name = `the fd store of systemd on ${release}`
  describe(...requireOrSkip(name, await releaseSkipReason(release)), () => {
    let box: SystemdBox
    let load: Load | undefined
    afterEach(async () => {
      load?.dispose()
      await box?.stop()
    })

    async function boot(listen: Listen[], options?: Service): Promise<void> {
      box = await bootSystemd({ units: { 'app.service': service(listen, options) }, release })
      await box.start('app.service')
    }

    async function reconfigure(listen: Listen[], options?: Service): Promise<void> {
      await box.install({ 'app.service': service(listen, options) })
      await box.restart('app.service')
    }

    async function underLoad(...target: Listen[]): Promise<Load> {
      load = await startLoad({ target, clients: 24, connection: 'mixed', rtt: 20, think: [0, 20] })
      await load.oneRequestEach()
      return load
    }

    const stored = (): Promise<string> => box.show('app.service', 'NFileDescriptorStore')

    /** systemd announces no change of the number. */
    async function untilStored(count: number): Promise<void> {
      while ((await stored()) !== String(count)) {}
    }

    async function restarts(running: Load, times: number) {
      for (let count = 0; count < times; count += 1) {
        await box.restart('app.service')
        await running.oneRequestEach()
      }
      return await running.stop()
    }

    it('keeps two ports and a unix socket over 20 restarts under load: 0 failed', async () => {
      const [port, other] = [freePort(), freePort()]
      const path = socketPath()
      const listen = [{ port, name: 'web' }, { port: other, host: '127.0.0.1' }, { path }]
      await boot(listen)
      const running = await underLoad({ port }, { port: other }, { path }, { port, host: '::1' })
      const { failures, requests } = await restarts(running, 20)
      expect(failures).toEqual([])
      expect(requests).toBeGreaterThan(20 * 24)
      await untilStored(3)
      const log = await box.log('app.service')
      expect(log.match(/ bound/g)).toHaveLength(3)
      expect(log.match(/ inherited/g)).toHaveLength(3 * 20)
      expect(log).not.toMatch(/warning|error/i)
    })

    it('refuses without it (the control)', async () => {
      const port = freePort()
      await boot([{ port, fdStore: false }])
      const running = await underLoad({ port })
      do {
        await box.restart('app.service')
        await running.oneRequestEach()
      } while ((await running.countsSinceLast()).outcomes.refused === 0)
    })

    it('keeps them when the server is killed: what was in flight fails, nobody is refused', async () => {
      const port = freePort()
      await boot([{ port }])
      const running = await underLoad({ port })
      for (let count = 0; count < 5; count += 1) {
        const before = await box.mainPid('app.service')
        await box.kill('app.service', 'SIGKILL')
        await box.until('app.service', 'MainPID', (pid) => pid !== '0' && pid !== String(before))
        await running.oneRequestEach()
      }
      const { outcomes, failed } = await running.stop()
      expect(outcomes).toMatchObject({ refused: 0, timeout: 0, wrongStatus: 0, wrongBody: 0 })
      expect(failed).toBeLessThanOrEqual(5 * 24)
      expect(await stored()).toBe('1')
    })

    it('closes them when the service stops, and keeps new ones at the next start', async () => {
      const port = freePort()
      const path = socketPath()
      await boot([{ port }, { path }])
      expect([await outcomeOf({ port }), await outcomeOf({ path })]).toEqual([
        'connected',
        'connected',
      ])
      await box.stopUnit('app.service')
      expect([await outcomeOf({ port }), await outcomeOf({ path })]).toEqual([
        'ECONNREFUSED',
        'ECONNREFUSED',
      ])
      await box.start('app.service')
      await box.restart('app.service')
      expect([await outcomeOf({ port }), await outcomeOf({ path })]).toEqual([
        'connected',
        'connected',
      ])
      expect(await stored()).toBe('2')
      expect(existsSync(path)).toBe(true)
      expect(await box.log('app.service')).not.toMatch(/warning|error/i)
    })

    it('follows a new configuration, and closes what is not asked for any more', async () => {
      const [old, port] = [freePort(), freePort()]
      await boot([{ port: old, name: 'web' }])
      await reconfigure([{ port, name: 'web' }], { debug: true })
      expect(await outcomeOf({ port })).toBe('connected')
      await box.logHolds('app.service', 'stored it, and no server asks for it now')
      await untilStored(1)
      expect(await outcomeOf({ port: old })).toBe('ECONNREFUSED')
      await reconfigure([{ port, name: 'web', host: '127.0.0.1' }])
      expect(await outcomeOf({ port })).toBe('connected')
      await box.logHolds('app.service', `http://127.0.0.1:${port} bound\n`)
      // Read after READY=1, which was sent after it.
      expect(await stored()).toBe('1')
    })

    it.each<[string, string[], number, RegExp]>([
      ['no store', ['Type=notify'], 1, /keeps 0 .*, and 1 are stored.*FileDescriptorStoreMax=1/],
      [
        'a store that is too small',
        ['Type=notify', 'FileDescriptorStoreMax=1'],
        2,
        /keeps 1 .*, and 2/,
      ],
      ['nobody to tell', ['Type=simple'], 1, /NOTIFY_SOCKET is not set.*FileDescriptorStoreMax=/],
    ])('warns of %s, once, and serves', async (_, settings, count, warning) => {
      const ports = Array.from({ length: count }, () => freePort())
      await boot(
        ports.map((port) => ({ port })),
        { settings },
      )
      const log = await box.logHolds('app.service', 'warning: fdStore')
      expect(log).toMatch(warning)
      expect(log.match(/warning/g)).toHaveLength(1)
      for (const port of ports) {
        await box.logHolds('app.service', `${port} bound`)
        expect(await outcomeOf({ port })).toBe('connected')
      }
    })
  })
}
