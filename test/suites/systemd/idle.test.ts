import { Agent, get as httpGet } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '@socket-port/testkit/native'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import {
  bootSystemd,
  pathInBox,
  RELEASES,
  releaseSkipReason,
  type SystemdBox,
} from '@socket-port/testkit/systemd/index'
import { afterEach, describe, expect, it } from 'vitest'

const SERVER = fileURLToPath(new URL('../../fixtures/core-idle.mjs', import.meta.url))

interface Listen {
  port: number
  idleExit?: number
  fdStore?: boolean
}

// Nothing tells that a process has not ended: it has had four times the time for it.
const LONGER = 400

/** The pid that answers. */
async function ask(port: number, agent: Agent | false = false): Promise<number> {
  const body = await new Promise<string>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent, timeout: 10_000 }
    const request = httpGet(options, (response) => resolve(text(response)))
    request.on('error', reject)
    request.on('timeout', () => request.destroy(new Error('nobody answers')))
  })
  return Number(body)
}

for (const release of RELEASES) {
  const name = `idleExit under systemd on ${release}`
  describe(...requireOrSkip(name, await releaseSkipReason(release)), () => {
    let box: SystemdBox
    afterEach(() => box?.stop())

    /** `app`, activated by the first `activated` of its ports. */
    async function boot(listen: Listen[], activated = listen.length, settings = ''): Promise<void> {
      const streams = listen.slice(0, activated).map(({ port }) => `ListenStream=${port}`)
      box = await bootSystemd({
        release,
        units: {
          'app.socket': `[Socket]\n${streams.join('\n')}\nTriggerLimitIntervalSec=0\n`,
          'app.service': [
            '[Unit]',
            'StartLimitIntervalSec=0',
            '[Service]',
            'Restart=on-failure',
            `Environment="LISTEN=${JSON.stringify(listen).replace(/"/g, '\\"')}"`,
            `ExecStart=${pathInBox(process.execPath)} ${pathInBox(SERVER)}\n${settings}`,
          ].join('\n'),
        },
      })
      await box.start('app.socket')
    }

    const ended = (): Promise<string> => box.until('app.service', 'ActiveState', 'inactive')

    async function endedWell(times: number): Promise<void> {
      expect(await box.show('app.service', 'Result')).toBe('success')
      expect(await box.show('app.socket', 'ActiveState')).toBe('active')
      const log = await box.log('app.service')
      expect(log.match(/.*(warning|error).*/gi)).toBeNull()
      expect(log.match(/ends: idle\n/g)).toHaveLength(times)
    }

    it('ends the service when nobody is connected, and the next connection starts it', async () => {
      const port = freePort()
      await boot([{ port, idleExit: 100 }])
      const first = await ask(port)
      await ended()
      const second = await ask(port)
      expect(second).not.toBe(first)
      await ended()
      await endedWell(2)
    })

    it('ends one that was started by hand and never asked', async () => {
      await boot([{ port: freePort(), idleExit: 100 }])
      await box.start('app.service')
      await ended()
      await endedWell(1)
    })

    it('serves each connection that comes as it ends', async () => {
      const port = freePort()
      await boot([{ port, idleExit: 50 }])
      const pids = new Set([await ask(port)])
      // From before the moment at which it decides to after its listener has closed. How long that takes differs by
      // machine: the client waits longer after each answer of the same process, and shorter after one of a new process.
      let wait = 40
      let same = 0
      while (pids.size <= 20 || same < 10) {
        await after(wait + 6 * (pids.size % 4))
        const before = pids.size
        pids.add(await ask(port))
        if (pids.size === before) same += 1
        wait = Math.max(0, wait + (pids.size === before ? 4 : -7))
      }
      await ended()
      await endedWell(pids.size)
    })

    it('waits for a connection that is only kept alive', async () => {
      const port = freePort()
      await boot([{ port, idleExit: 100 }])
      const agent = new Agent({ keepAlive: true })
      const first = await ask(port, agent)
      await after(LONGER)
      expect(await ask(port, agent)).toBe(first)
      agent.destroy()
      await ended()
      await endedWell(1)
    })

    it('waits until every server is idle', async () => {
      const [port, other] = [freePort(), freePort()]
      await boot([
        { port, idleExit: 100 },
        { port: other, idleExit: 100 },
      ])
      const agent = new Agent({ keepAlive: true })
      const first = await ask(other, agent)
      expect(await ask(port)).toBe(first)
      await after(LONGER)
      expect(await ask(port)).toBe(first)
      agent.destroy()
      await ended()
      await endedWell(1)
    })

    it('lives on with a server that has no idleExit', async () => {
      const [port, other] = [freePort(), freePort()]
      await boot([{ port, idleExit: 100 }, { port: other }])
      const first = await ask(port)
      await after(LONGER)
      expect(await ask(port)).toBe(first)
    })

    it('lives on where nobody else listens, and warns', async () => {
      const [port, other] = [freePort(), freePort()]
      const listen = [
        { port, idleExit: 100 },
        { port: other, idleExit: 100, fdStore: true },
      ]
      await boot(listen, 1, 'FileDescriptorStoreMax=8\n')
      const warning = `warning: idleExit has no effect on http://localhost:${other}`
      const first = await ask(port)
      await box.logHolds('app.service', warning)
      await after(LONGER)
      expect(await ask(port)).toBe(first)
      // Out of the store it is inherited, but still nobody's who would start the process.
      await box.restart('app.service')
      const second = await ask(port)
      await box.logHolds('app.service', `listens: http://localhost:${other}\n`)
      await after(LONGER)
      expect(await ask(port)).toBe(second)
      expect((await box.log('app.service')).split(warning)).toHaveLength(3)
    })
  })
}
