import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SOCKET_PORT, socketPort } from '@socket-port/testkit/command'
import { startLoad } from '@socket-port/testkit/load/load'
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
import { runIn } from '@socket-port/testkit/systemd/run-in'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../../src/docs/ask.ts'
import { NPM_UNIT, UNITS } from '../../src/docs/commands.ts'
import { expectNothingNoticed } from '../handover/box.ts'

const SERVER = fileURLToPath(new URL('../../fixtures/cli-unit.mjs', import.meta.url))

// It closes its server at SIGTERM, and knows nothing of this package.
const PLAIN = fileURLToPath(new URL('../../fixtures/plain-close.mjs', import.meta.url))
const PRELOAD = fileURLToPath(import.meta.resolve('@socket-port/core/register'))

afterEach(endProcesses)

// What it starts closes its server at SIGTERM, too.
const NPM_START = fileURLToPath(new URL('../../fixtures/npm-start-plain', import.meta.url))

interface UnitFile {
  name: string
  content: string
}

interface Printed {
  files: UnitFile[]
  enable: string
}

for (const release of RELEASES) {
  const name = `what socket-port unit prints, on ${release}`
  describe(...requireOrSkip(name, await releaseSkipReason(release)), () => {
    let box: SystemdBox | undefined
    afterEach(() => box?.stop())

    /** Boots and starts what a line of the docs prints; returns the names of the units. */
    async function boot(
      way: string,
      port: number,
      entry = pathInBox(SERVER),
      more: readonly string[] = [],
    ): Promise<string[]> {
      const line = UNITS.find((line) => wayOf(line) === way) ?? ''
      const [, ...words] = line.replace('server.js', entry).replace('8080', `${port}`).split(' ')
      const options = ['--node', pathInBox(process.execPath), '--name', 'shop', '--json']
      // A user that exists only meanwhile would have a /tmp of its own.
      const user = entry.startsWith('/tmp') ? ['--user', 'nobody'] : []
      const { stdout } = await socketPort([...words, ...options, ...user, ...more])
      const { files, enable } = JSON.parse(stdout) as Printed
      return bootUnits(files, enable)
    }

    async function bootUnits(files: UnitFile[], enable: string): Promise<string[]> {
      const paths = [SOCKET_PORT, PRELOAD, NPM_START]
      const units = files.map(({ name, content }) => [
        name,
        paths.reduce((text, path) => text.replaceAll(path, pathInBox(path)), content),
      ])
      box = await bootSystemd({ units: Object.fromEntries(units), release })
      await box.start(...enable.replace('systemctl enable --now ', '').split(' '))
      return files.map((file) => file.name)
    }

    test.each([
      ['socket', 'inherited', 'inherited'],
      ['store', 'bound', 'inherited'],
    ])(
      '%s: serves, restarts on the same socket, and says nothing else',
      async (way, ...sources) => {
        const port = freePort()
        const services = await boot(way, port)
        const before = await ask(port)
        await box?.restart('shop.service')
        expect(await ask(port)).not.toBe(before)
        const lines = sources.map((source) => `http://localhost:${port} is ${source}\n`)
        expect(await box?.log('shop.service')).toBe(lines.join(''))
        await box?.stopUnit(...services)
        expect(await box?.show('shop.service', 'Result')).toBe('success')
      },
    )

    test('the folder for compiled code is of the service alone', async () => {
      await boot('socket', freePort())
      const told = await box?.show('shop.service', 'Environment')
      expect(told).toContain('NODE_COMPILE_CACHE=/var/cache/shop')
      // Followed: systemd puts a symlink here for DynamicUser=.
      const stat = ['--dereference', '--format=%a', '/var/cache/shop']
      expect(await runIn(box?.pid ?? -1, 'stat', stat)).toMatchObject({ stdout: '700\n' })
    })

    test.each([
      ['socket', 'restart'],
      ['store', 'restart'],
      ['run', 'reload'],
    ] as const)('%s: clients under load notice no %s: 0 failed, 0 closed', async (way, how) => {
      const port = freePort()
      await boot(way, port)
      const load = await startLoad({ target: { port }, clients: 20, think: [0, 20] })
      onTestFinished(() => load.dispose())
      for (let count = 1; count <= 2; count += 1) {
        await load.oneRequestEach()
        await box?.[how]('shop.service')
      }
      await load.oneRequestEach()
      expectNothingNoticed(await load.stop(), 20)
      expect(await box?.log('shop.service')).not.toMatch(/warning|error/i)
    })

    test.each([
      ['socket', 'restart'],
      ['store', 'restart'],
      ['run', 'reload'],
    ] as const)('%s --register: nor of a program that closes itself', async (way, how) => {
      const port = freePort()
      await boot(way, port, pathInBox(PLAIN), ['--register'])
      const load = await startLoad({ target: { port }, clients: 20, think: [0, 20] })
      onTestFinished(() => load.dispose())
      for (let count = 1; count <= 2; count += 1) {
        await load.oneRequestEach()
        await box?.[how]('shop.service')
      }
      await load.oneRequestEach()
      expectNothingNoticed(await load.stop(), 20)
      expect(await box?.log('shop.service')).not.toMatch(/warning|error/i)
    })

    // The roots of other releases have no npm.
    if (release === 'host')
      test('run --register -- npm start: nor of one that npm starts', async () => {
        const port = freePort()
        const [, unit = '', ...words] = NPM_UNIT.replace('3000', `${port}`).split(' ')
        const options = ['--node', pathInBox(process.execPath), '--name', 'shop', '--json']
        const { stdout } = await socketPort([unit, ...options, ...words], { cwd: NPM_START })
        const { files, enable } = JSON.parse(stdout) as Printed
        await bootUnits(files, enable)
        const load = await startLoad({ target: { port }, clients: 20, think: [0, 20] })
        onTestFinished(() => load.dispose())
        for (let count = 1; count <= 2; count += 1) {
          await load.oneRequestEach()
          await box?.reload('shop.service')
        }
        await load.oneRequestEach()
        expectNothingNoticed(await load.stop(), 20)
        expect(await box?.log('shop.service')).not.toMatch(/warning|error/i)
        await box?.stopUnit('shop.service')
        expect(await box?.show('shop.service', 'Result')).toBe('success')
      })

    test('run: systemctl reload replaces the process under the same MAINPID', async () => {
      const port = freePort()
      const services = await boot('run', port)
      const pids = new Set([await ask(port)])
      const mainPid = await box?.mainPid('shop.service')
      for (let count = 1; count <= 3; count += 1) {
        await box?.reload('shop.service')
        pids.add(await ask(port))
      }
      expect(pids.size).toBe(4)
      expect(await box?.mainPid('shop.service')).toBe(mainPid)
      await box?.stopUnit(...services)
      expect(await box?.show('shop.service', 'Result')).toBe('success')
      expect(await box?.log('shop.service')).not.toMatch(/warning|error/i)
    })

    test('run: systemctl reload fails where the new code does, and the old process continues to serve', async () => {
      const port = freePort()
      const entry = join(newFolder(), 'server.mjs')
      const good = `await import('${pathInBox(SERVER)}')\n`
      writeFileSync(entry, good)
      await boot('run', port, entry)
      const before = await ask(port)
      writeFileSync(entry, "throw new Error('no such table: users')\n")
      expect(await box?.systemctl('reload', 'shop.service')).toMatchObject({ code: 1 })
      expect(await ask(port)).toBe(before)
      const state = await box?.properties('shop.service', 'ActiveState', 'StatusText')
      expect(state).toMatchObject({
        ActiveState: 'active',
        StatusText: expect.stringContaining('generation 1; the last reload failed'),
      })
      // The log of the unit contains the output of socket-port reload.
      expect(await box?.log('shop.service')).toMatch(
        /error: generation 2 failed: process \d+ ended before it was ready.*\n[\s\S]*\| Error: no such table/,
      )
      writeFileSync(entry, good)
      await box?.reload('shop.service')
      expect(await ask(port)).not.toBe(before)
      await box?.stopUnit('shop.service')
      expect(await box?.show('shop.service', 'Result')).toBe('success')
    })
  })
}

/** What keeps the socket by default: a `.socket` unit. */
const wayOf = (line: string): string => /--way (\w+)/.exec(line)?.[1] ?? 'socket'

/** A folder that other users, and the box, can read. */
function newFolder(): string {
  const folder = mkdtempSync('/tmp/socket-port-unit-')
  chmodSync(folder, 0o755)
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}
