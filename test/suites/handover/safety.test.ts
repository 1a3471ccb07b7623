import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { selfSigned } from '@socket-port/testkit/certificate'
import { startGeneration } from '@socket-port/testkit/generation'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { freePort, openListener } from '@socket-port/testkit/native'
import { ODD_KINDS, openSocket } from '@socket-port/testkit/odd-fds'
import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { type AppOptions, describeHandover, expectNothingNoticed, SERVER } from './box.ts'

const PLAIN = fileURLToPath(new URL('../../fixtures/plain-fd3.mjs', import.meta.url))
const CLOSING = fileURLToPath(new URL('../../fixtures/plain-close.mjs', import.meta.url))
const LOAD = { clients: 30, rtt: 10, think: [0, 20] } as const

const node = (script: string): string[] => [pathInBox(process.execPath), pathInBox(script)]

await describeHandover('what may go wrong when connections are handed over', (box) => {
  /** Restarts under load. */
  async function restarted(options: AppOptions, restarts = 3) {
    const app = await box.start(options)
    const running = await app.load(LOAD)
    for (let restart = 0; restart < restarts; restart += 1) {
      await app.restart()
      await running.oneRequestEach()
    }
    return { app, ...(await running.stop()) }
  }

  it('a next process that fails to start: the process after it receives the connections', async () => {
    const file = join(box.systemd.dir, 'failures')
    writeFileSync(file, '0')
    const app = await box.start({
      env: { FAILURES: file },
      lines: ['Restart=on-failure', 'RestartSec=0'],
    })
    const load = await app.load({ ...LOAD, clients: 10 })
    const client = await app.connect()
    const before = await client.who()
    writeFileSync(file, '2')
    await box.systemd.systemctl('restart', app.unit)
    await box.systemd.until(app.unit, 'ActiveState', 'active')
    await load.oneRequestEach()
    expectNothingNoticed(await load.stop(), 10)
    expect((await client.who()).pid).not.toBe(before.pid)
    const log = await app.log()
    expect(log.match(/fails to start/g)).toHaveLength(2)
    expect(log).toContain('received 11 connections')
    await app.untilStored(0)
  })

  it('a next process without core: new connections are served, earlier ones wait for a process with core', async () => {
    const app = await box.start()
    const client = await app.connect()
    await app.install({ command: node(PLAIN), lines: ['Type=exec'] })
    await app.restart()
    const fresh = await RawConnection.open(app.port)
    fresh.send(get('/'))
    await fresh.receive(/"LISTEN_FDNAMES":"app\d+\.socket:socket-port\/connections"/)
    client.raw.send(get('/who'))
    await app.install({})
    await app.restart()
    expect((await client.whoComes()).pid).toBe(await app.pid())
  })

  it('a next process without native code: it warns, and the process after it receives the connections', async () => {
    const servers = [{ drain: { idleTimeout: 300 } }]
    const app = await box.start({ servers })
    const client = await app.connect()
    await app.install({ servers, env: { NODE_OPTIONS: '--no-addons' }, lines: ['Type=exec'] })
    await app.restart()
    client.raw.send(get('/who'))
    const fresh = await app.connect()
    expect((await fresh.who()).pid).toBe(await app.pid())
    await box.systemd.logHolds(app.unit, 'connections of the previous process cannot be received')
    await app.install({})
    await app.restart()
    expect((await client.whoComes()).pid).toBe(await app.pid())
  })

  it('a process that is killed while it drains: connections that it had handed over are served', async () => {
    const { systemd } = box
    const app = await box.start({ env: { TELL: '1' }, lines: ['Restart=always', 'RestartSec=0'] })
    const [idle, first, second] = [await app.connect(), await app.connect(), await app.connect()]
    first.raw.send(get('/hold'))
    await first.raw.receive(/first /)
    const { old } = await app.beginRestart()
    second.raw.send(get('/hold'))
    await second.raw.receive(/first /)
    await app.release()
    await first.raw.receive(/last of/)
    for (const { localPort } of [idle, first]) {
      await systemd.logHolds(app.unit, `${old} has closed ${localPort}`)
    }
    await systemd.kill(app.unit, 'SIGKILL')
    await second.raw.closed
    const after = await Promise.all([idle.who(), first.who()])
    expect(after.map(({ pid }) => pid)).toEqual(Array(2).fill(await app.pid()))
    expect(after[0]?.pid).not.toBe(old)
  })

  it.each<[string, AppOptions]>([
    ['none', { store: 0 }],
    ['full', { store: 1, listen: null, servers: [{ fdStore: true }] }],
    ['switched off', { servers: [{ drain: { idle: 'promise' } }] }],
    ['without a notify socket', { store: 0, lines: ['Type=simple'] }],
  ])(
    'a store that is %s: the promise is kept, connections are closed, 0 failed',
    async (_, options) => {
      const { app, failures, failed, connections } = await restarted(options)
      expect({ failures, failed }).toEqual({ failures: [], failed: 0 })
      expect(connections).toBeGreaterThan(LOAD.clients)
      expect(await app.log()).not.toMatch(/handed over|received/)
    },
  )

  it.each<[string, AppOptions]>([
    ['the stored socket and the queue', { store: 2, listen: null, servers: [{ fdStore: true }] }],
    ['the queue alone, beside a .socket unit', { store: 1 }],
  ])('a store with room for %s: no client notices', async (_, options) => {
    const app = await box.start(options)
    const load = await app.load(LOAD)
    // Now each client has a connection.
    await load.oneRequestEach()
    for (let restart = 0; restart < 3; restart += 1) {
      await app.restart()
      // Before that the queue of the restart before has its place in the store.
      await box.systemd.logHolds(app.unit, `SOCKET-PORT ${await app.pid()}: received`)
      await load.oneRequestEach()
    }
    expectNothingNoticed(await load.stop(), LOAD.clients)
  })

  it('a server that closes by itself loses requests (the control)', async () => {
    const lines = ['Type=exec', 'TimeoutStopSec=1']
    await untilLost(() => restarted({ command: node(CLOSING), lines }, 1))
  })

  it.each(['https', 'http2'] as const)('%s: is drained as before, 0 failed', async (kind) => {
    const { key, cert } = selfSigned()
    const port = freePort()
    const env = { CERTIFICATE: JSON.stringify({ key, cert, allowHTTP1: true }) }
    const app = await box.start({
      listen: String(port),
      servers: [{ port, kind }],
      env,
    })
    const tls = { ca: cert, servername: 'localhost' }
    const load = await app.load(LOAD, { port, tls })
    for (let restart = 0; restart < 3; restart += 1) {
      await app.restart()
      await load.oneRequestEach()
    }
    const { failures, failed, connections } = await load.stop()
    expect({ failures, failed }).toEqual({ failures: [], failed: 0 })
    expect(connections).toBeGreaterThan(LOAD.clients)
  })

  it('a unix socket: is drained as before, 0 failed', async () => {
    const path = join(box.systemd.dir, 'app.sock')
    const app = await box.start({ listen: path, servers: [{ path }] })
    const load = await app.load(LOAD, { path })
    for (let restart = 0; restart < 3; restart += 1) {
      await app.restart()
      await load.oneRequestEach()
    }
    const { failures, failed, connections } = await load.stop()
    expect({ failures, failed }).toEqual({ failures: [], failed: 0 })
    expect(connections).toBeGreaterThan(LOAD.clients)
  })

  it('an upgraded connection: stays until it ends, and no client waits for it', async () => {
    const app = await box.start()
    const load = await app.load(LOAD)
    const socket = await RawConnection.open(app.port)
    socket.send(get('/', 'Connection: Upgrade', 'Upgrade: echo'))
    await socket.receive(/^HTTP\/1\.1 101 .*\r\n\r\n$/s)
    const { old, restarted: done } = await app.beginRestart()
    for (let round = 0; round < 10; round += 1) await load.oneRequestEach()
    socket.send('still there')
    await socket.receive(/still there$/)
    expect(await app.pid()).toBe(old)
    socket.close()
    await done
    await load.oneRequestEach()
    expectNothingNoticed(await load.stop(), LOAD.clients)
  })

  it('descriptors of a user other than root, as many as the process may have', async () => {
    const app = await box.start({
      // Without a system bus it cannot ask.
      servers: [{ drain: { idle: 'handover' } }],
      lines: ['User=nobody', 'LimitNOFILE=400', 'CapabilityBoundingSet='],
    })
    const load = await app.load({ clients: 300, think: [0, 500], rtt: 10 })
    for (let restart = 0; restart < 3; restart += 1) {
      await app.restart()
      await load.oneRequestEach()
    }
    expectNothingNoticed(await load.stop(), 300)
  })
})

describe(
  ...requireOrSkip('a descriptor that has the name of a queue, and is none', linuxSkipReason()),
  () => {
    afterEach(endProcesses)

    it.each(ODD_KINDS)('%s: a warning, and it serves', async (kind) => {
      const [listener, odd] = [openListener(), openSocket(kind)]
      onTestFinished(() => {
        listener.close()
        odd.close()
      })
      const server = startGeneration({
        script: SERVER,
        env: { SERVERS: JSON.stringify([{ port: listener.port }]) },
        sockets: [
          { fd: listener.fd, name: 'web' },
          { fd: odd.fd, name: 'socket-port/connections' },
        ],
      })
      await server.printed(/inherited by/)
      const client = await RawConnection.open(listener.port)
      client.send(get('/who'))
      await client.receive(/\{.*\}/)
      client.close()
      server.signal('SIGTERM')
      expect(await server.exit).toMatchObject({ code: 0 })
      // A datagram socket of AF_UNIX may be one: nothing comes out of it.
      const warning =
        'warning: fd 4 was passed as socket-port/connections, but nothing can be received'
      if (kind === 'unix-datagram') expect(server.stderr).toBe('')
      else expect(server.stderr).toContain(warning)
    })
  },
)
