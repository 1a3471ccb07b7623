import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { SOCKET_PORT, socketPort } from '../src/command.ts'
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

const SERVER = fileURLToPath(new URL('../fixtures/cli-unit.mjs', import.meta.url))

afterEach(endProcesses)

for (const release of RELEASES) {
  const name = `what socket-port unit prints, on ${release}`
  describe(...requireOrSkip(name, await releaseSkipReason(release)), () => {
    let box: SystemdBox | undefined
    afterEach(() => box?.stop())

    /** Boots and starts what is printed; returns the names of the units. */
    async function boot(way: string, port: number): Promise<string[]> {
      const paths = [pathInBox(SERVER), '--node', pathInBox(process.execPath)]
      const options = ['--port', String(port), '--way', way, '--name', 'shop', '--json']
      const version = ['--systemd', release === 'host' ? '252' : '257']
      const { stdout } = await socketPort(['unit', ...paths, ...options, ...version])
      const { files, enable } = JSON.parse(stdout) as {
        files: { name: string; content: string }[]
        enable: string
      }
      const units = files.map(({ name, content }) => [
        name,
        content.replaceAll(SOCKET_PORT, pathInBox(SOCKET_PORT)),
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
  })
}

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, (response) => resolve(text(response))).on(
      'error',
      reject,
    )
  })
}
