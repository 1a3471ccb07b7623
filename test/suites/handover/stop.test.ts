import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { systemdSkipReason } from '@socket-port/testkit/systemd/index'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Client, describeHandover, expectNothingNoticed, HandoverBox } from './box.ts'

const CLIENTS = 30
const PRESERVE = 'FileDescriptorStorePreserve=yes'
const refused = { code: 'ECONNREFUSED' }
// What a stop waits for if the connections are not kept.
const set = { keepAliveTimeout: 1_500, keepAliveTimeoutBuffer: 0 }
const servers = [{ set }]

await describeHandover('connections handed over by a process that is stopped', (box) => {
  /** systemd.service(5): "Added in version 254". */
  const isKnown = async (): Promise<boolean> => (await box.systemd.version()) >= 254

  /** Lets a target that is active refer to the units, as `systemctl enable` does; with none, `disable`. */
  async function enable(...units: string[]): Promise<void> {
    const wants = units.map((unit) => `Wants=${unit}\n`)
    await box.systemd.install({ 'box.target.d/wants.conf': `[Unit]\n${wants.join('')}` })
  }

  async function closed({ raw }: Client): Promise<void> {
    await raw.closed
    expect(raw.text).toBe('')
  }

  it('are closed by a systemd that does not know the setting, which it logs', async () => {
    const app = await box.start({ servers, lines: [PRESERVE] })
    const client = await app.connect()
    await box.systemd.stopUnit(app.unit)
    const known = await isKnown()
    expect(/Unknown key.*FileDescriptorStorePreserve/.test(box.systemd.managerLog)).toBe(!known)
    expect(await app.stored()).toBe(known ? '1' : '0')
    if (!known) await closed(client)
  })

  it('lose requests where it does not ask whether a next process starts (the control)', async () => {
    const app = await box.start({ servers: [{ set, drain: { idle: 'handover' } }] })
    await untilLost(async () => {
      const load = await app.load({ clients: CLIENTS, method: 'mixed', rtt: 10, think: [0, 20] })
      await box.systemd.stopUnit(app.unit)
      await box.systemd.start(app.unit)
      await load.oneRequestEach()
      return load.stop()
    })
  })

  it('are kept as promised where systemd does not answer: 0 failed', async () => {
    // Without a system bus it answers root alone.
    const app = await box.start({ servers, lines: ['User=nobody'] })
    const load = await app.load({ clients: CLIENTS, method: 'mixed', rtt: 10, think: [0, 20] })
    for (const act of ['restart', 'stop'] as const) {
      if (act === 'restart') await app.restart()
      else await box.systemd.stopUnit(app.unit)
      await load.oneRequestEach()
    }
    const { failures, connections } = await load.stop()
    expect(failures).toEqual([])
    expect(connections).toBeGreaterThan(CLIENTS)
    expect(await app.log()).toMatch(/not known whether the manager starts the next process \(.*bus/)
  })

  it('are handed over at a signal of another program where the unit always restarts', async () => {
    const app = await box.start({ lines: ['Restart=always', 'RestartSec=0'] })
    const load = await app.load({ clients: CLIENTS, method: 'mixed', rtt: 10, think: [0, 20] })
    const pid = await app.pid()
    await box.systemd.kill(app.unit)
    await box.systemd.until(app.unit, 'MainPID', (now) => now !== '0' && now !== String(pid))
    await load.oneRequestEach()
    expectNothingNoticed(await load.stop(), CLIENTS)
  })

  it('are closed once no unit refers to the service, and systemd forgets it', async () => {
    const port = freePort()
    const servers = [{ port, set, fdStore: true }]
    const app = await box.start({ listen: null, servers, lines: [PRESERVE] })
    await enable(app.unit)
    const client = await app.connect(port)
    await box.systemd.stopUnit(app.unit)
    expect(await app.stored()).toBe((await isKnown()) ? '2' : '0')
    await enable()
    await closed(client)
    expect(await app.stored()).toBe('0')
    await expect(RawConnection.open(port)).rejects.toMatchObject(refused)
  })

  describe.each([
    [PRESERVE, [PRESERVE]],
    ['the default (the control)', []],
  ])('%s', (_, lines) => {
    let kept: boolean
    beforeAll(async () => {
      kept = lines.length > 0 && (await isKnown())
    })

    it('stop, new units, start: idle connections go on, or are closed', async () => {
      const app = await box.start({ servers, lines })
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => app.connect()))
      const before = await app.pid()
      await box.systemd.stopUnit(app.unit)
      expect(await box.systemd.properties(app.unit, 'ActiveState', 'SubState')).toEqual({
        ActiveState: 'inactive',
        SubState: kept ? 'dead-resources-pinned' : 'dead',
      })
      expect(await app.stored()).toBe(kept ? '1' : '0')
      await app.install({ servers, lines })
      await box.systemd.start(app.unit)
      const pid = await app.pid()
      expect(pid).not.toBe(before)
      for (const client of clients) {
        if (!kept) await closed(client)
        else expect(await client.who()).toMatchObject({ pid, remotePort: client.localPort })
      }
      const fresh = await app.connect()
      expect((await fresh.who()).connections).toBe(kept ? CLIENTS + 1 : 1)
      await app.untilStored(0)
      expect(await app.log()).not.toMatch(/warning|error/i)
    })

    it('stop and start under load: requests in between wait, or their connections are closed', async () => {
      const app = await box.start({ servers, lines })
      const load = await app.load({ clients: CLIENTS, method: 'mixed', rtt: 10, think: [0, 20] })
      for (let count = 0; count < 3; count += 1) {
        const client = await app.connect()
        await box.systemd.stopUnit(app.unit)
        client.raw.send(get('/who'))
        await box.systemd.start(app.unit)
        await load.oneRequestEach()
        if (kept) expect((await client.whoComes()).pid).toBe(await app.pid())
        else await closed(client)
      }
      const result = await load.stop()
      expect(result.failures).toEqual([])
      if (kept) expectNothingNoticed(result, CLIENTS)
      else expect(result.connections).toBeGreaterThan(CLIENTS)
      expect(await app.log()).not.toMatch(/warning|error/i)
    })

    it('its socket listens on: a new connection starts the service, which serves the waiting ones too', async () => {
      const app = await box.start({ servers, lines })
      const client = await app.connect()
      await box.systemd.stopUnit(app.unit)
      client.raw.send(get('/who'))
      expect(await app.pid()).toBe(0)
      const fresh = await app.connect()
      const { pid } = await fresh.who()
      if (kept) expect((await client.whoComes()).pid).toBe(pid)
      else await closed(client)
    })

    it('its socket is stopped too: new connections are refused, earlier ones wait or are closed', async () => {
      const app = await box.start({ servers, lines })
      const units = [`${app.name}.socket`, app.unit]
      await enable(...units)
      const client = await app.connect()
      await box.systemd.stopUnit(...units)
      await expect(RawConnection.open(app.port)).rejects.toMatchObject(refused)
      client.raw.send(get('/who'))
      await box.systemd.start(...units)
      if (kept) expect((await client.whoComes()).pid).toBe(await app.pid())
      else await closed(client)
    })

    it('it has stored its listener: new connections wait for the start, or are refused', async () => {
      const port = freePort()
      const servers = [{ port, set, fdStore: true }]
      const app = await box.start({ listen: null, servers, lines })
      await enable(app.unit)
      const client = await app.connect(port)
      await box.systemd.stopUnit(app.unit)
      const opened = RawConnection.open(port)
      if (!kept) {
        await expect(opened).rejects.toMatchObject(refused)
        return await closed(client)
      }
      const fresh = await opened
      for (const raw of [fresh, client.raw]) raw.send(get('/who'))
      await box.systemd.start(app.unit)
      const pid = await app.pid()
      expect(await fresh.receive(/\{.*\}/)).toContain(`"pid":${pid}`)
      expect(await client.whoComes()).toMatchObject({ pid, connections: 2 })
      fresh.close()
    })

    it('the next process fails, and none comes after it: the connections wait for a start, or are closed', async () => {
      const file = join(box.systemd.dir, 'failures')
      writeFileSync(file, '0')
      const app = await box.start({ servers, lines, env: { FAILURES: file } })
      const client = await app.connect()
      writeFileSync(file, '1')
      await expect(app.restart()).rejects.toThrow('fails to start')
      expect(await box.systemd.show(app.unit, 'ActiveState')).toBe('failed')
      if (!kept) return await closed(client)
      client.raw.send(get('/who'))
      await box.systemd.start(app.unit)
      expect((await client.whoComes()).pid).toBe(await app.pid())
    })
  })
})

const BUS = {
  'dbus.socket': '[Socket]\nListenStream=/run/dbus/system_bus_socket\n',
  'dbus.service': `[Unit]
Requires=dbus.socket
[Service]
Type=notify
ExecStart=dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation
`,
}
const noBus = systemdSkipReason() ?? commandSkipReason('dbus-daemon')

describe(
  ...requireOrSkip('with a system bus, connections of a process that is not root', noBus),
  () => {
    const box = new HandoverBox('host')
    beforeAll(async () => {
      await box.ready()
      await box.systemd.install(BUS)
      await box.systemd.start('dbus.socket', 'dbus.service')
    })
    afterAll(() => box.stop())
    afterEach(async () => {
      await box.stopApps()
      await endProcesses()
    })

    it('are handed over at a restart, and kept as promised at a stop: 0 failed', async () => {
      const app = await box.start({ servers, lines: ['User=nobody'] })
      const load = await app.load({ clients: CLIENTS, method: 'mixed', rtt: 10, think: [0, 20] })
      await app.restart()
      await load.oneRequestEach()
      expect((await load.snapshot()).connections).toBe(CLIENTS)
      await box.systemd.stopUnit(app.unit)
      await load.oneRequestEach()
      const { failures, connections } = await load.stop()
      expect(failures).toEqual([])
      expect(connections).toBeGreaterThan(CLIENTS)
      expect(await app.log()).not.toMatch(/warning|error|not known/i)
    })
  },
)
