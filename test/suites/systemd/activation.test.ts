import { get as httpGet } from 'node:http'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type Load, startLoad } from '@socket-port/testkit/load/load'
import type { LoadOptions } from '@socket-port/testkit/load/options'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import {
  bootSystemd,
  pathInBox,
  readUnits,
  type SystemdBox,
  socketActivate,
  systemdSkipReason,
} from '@socket-port/testkit/systemd/index'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

const EXAMPLE = fileURLToPath(new URL('../../../examples/systemd/activation/', import.meta.url))
const SERVER = `${EXAMPLE}server.mjs`

afterEach(endProcesses)

/** The body that the example answers with. */
function ask(port: number, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    httpGet({ host, port, agent: false }, (response) => resolve(text(response))).on('error', reject)
  })
}

describe(...requireOrSkip('the units of examples/systemd', systemdSkipReason()), () => {
  const port = freePort()
  const adminPort = freePort()
  const everyAddress = [port, adminPort].flatMap((each) => [
    { host: '127.0.0.1', port: each },
    { host: '::1', port: each },
  ])
  let box: SystemdBox
  let load: Load | undefined

  beforeAll(async () => {
    const units = await readUnits(EXAMPLE)
    for (const [name, unit] of Object.entries(units)) {
      units[name] = unit
        .replaceAll('8080', String(port))
        .replaceAll('8081', String(adminPort))
        .replace('/usr/bin/node', pathInBox(process.execPath))
        .replace('/srv/app/server.mjs', pathInBox(SERVER))
    }
    box = await bootSystemd({ units })
    await box.start('app.socket', 'app-admin.socket')
  })
  afterAll(() => box?.stop())
  afterEach(() => load?.dispose())

  async function underLoad(options: Omit<LoadOptions, 'target'>): Promise<Load> {
    load = await startLoad({ target: everyAddress, clients: 48, ...options })
    await load.oneRequestEach()
    return load
  }

  it('match one socket by its port, the other by its name, over IPv4 and IPv6', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      expect(await ask(port, host)).toMatch(/^app /)
      expect(await ask(adminPort, host)).toMatch(/^admin /)
    }
    expect(await box.log('app.service')).toBe(
      `http://localhost:${port} (inherited)\nhttp://localhost:${adminPort} (inherited)\n`,
    )
  })

  it.each([
    ['connections kept alive, round trip 20 ms', { rtt: 20, think: [0, 20] }],
    ['connections kept alive, saturating', {}],
    ['a connection for each request', { connection: 'per-request', rtt: 20 }],
  ] satisfies [string, Omit<LoadOptions, 'target'>][])(
    'systemctl restart 20 times, %s: 0 failed',
    async (_, options) => {
      const running = await underLoad(options)
      const pids = new Set([await box.mainPid('app.service')])
      for (let restart = 1; restart <= 20; restart += 1) {
        await box.restart('app.service')
        await running.oneRequestEach()
        pids.add(await box.mainPid('app.service'))
      }
      const result = await running.stop()
      expect(result.failures).toEqual([])
      expect(result.failed).toBe(0)
      expect(result.requests).toBeGreaterThan(20 * 48)
      expect(pids.size).toBe(21)
    },
  )

  it('restarts faster than it starts lose nothing either', async () => {
    const running = await underLoad({ rtt: 20, think: [0, 20] })
    for (let restart = 1; restart <= 10; restart += 1) await box.restart('app.service')
    await running.oneRequestEach()
    expect((await running.stop()).failures).toEqual([])
  })

  it('start again at the first request after systemctl stop', async () => {
    const before = await ask(port)
    // The sockets would start it again at once, so stopping it says a word about them.
    await box.systemctl('stop', 'app.service')
    expect(await box.mainPid('app.service')).toBe(0)
    const after = await ask(port)
    expect(after).toMatch(/^app /)
    expect(after).not.toBe(before)
  })

  it('lose only what was in flight when the server is killed', async () => {
    const running = await underLoad({ think: [0, 20] })
    await box.kill('app.service', 'SIGKILL')
    await running.oneRequestEach()
    const { outcomes, failed } = await running.stop()
    expect(failed).toBeLessThanOrEqual(48)
    expect(outcomes).toMatchObject({ refused: 0, timeout: 0, wrongStatus: 0, wrongBody: 0 })
  })

  it('warn of nothing in all of that', async () => {
    expect(await box.log('app.service')).not.toMatch(/warning|error/i)
  })
})

describe(...requireOrSkip('systemd-socket-activate', systemdSkipReason()), () => {
  it.each([
    ['with', ['admin', 'app'], 'app'],
    ['without', [], undefined],
  ])('%s --fdname: sockets are matched', async (_, names, name) => {
    const [adminPort, port] = [freePort(), freePort()]
    const generation = await socketActivate({
      listen: [`[::]:${adminPort}`, `[::]:${port}`],
      names,
      command: [process.execPath, SERVER],
      env: { PORT: String(port), NODE_DEBUG: 'socket-port' },
    })
    expect(await ask(port)).toMatch(/^app /)
    expect(await ask(port, '::1')).toMatch(/^app /)
    expect(generation.output).toContain(`http://localhost:${port} (inherited)`)
    expect(generation.output).toContain(
      `inherited as fd 4${name === undefined ? '' : ` "${name}"`}`,
    )
    if (name === undefined) return
    expect(await ask(adminPort)).toMatch(/^admin /)
  })
})
