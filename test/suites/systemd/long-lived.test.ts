import { fileURLToPath } from 'node:url'
import { SOCKET_PORT } from '@socket-port/testkit/command'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { afterEach, expect, it } from 'vitest'
import { LongLivedClients, whoServes } from '../../src/long-lived-clients.ts'
import { type App, type AppOptions, describeHandover } from '../handover/box.ts'

const FIXTURE = fileURLToPath(new URL('../../fixtures/long-lived.mjs', import.meta.url))
const NODE = pathInBox(process.execPath)
const SERVER = [NODE, pathInBox(FIXTURE)]
const RUN = [NODE, pathInBox(SOCKET_PORT), 'run', '--', ...SERVER]

// The raw client does not answer.
const DRAIN = JSON.stringify({ closeGrace: 500 })

let clients: LongLivedClients | undefined
afterEach(() => clients?.close())

await describeHandover('WebSockets, Socket.IO, event streams and tunnels', (box) => {
  /** A socket-activated service with clients of each kind. */
  async function start(options: AppOptions): Promise<{ app: App; clients: LongLivedClients }> {
    const app = await box.start(options)
    clients = await LongLivedClients.open(app.port)
    return { app, clients }
  }

  it.each([
    ['with room in the fd store', 4],
    ['without', 0],
  ])('end as their protocols say at systemctl restart, and come back (%s)', async (_, store) => {
    const { app, clients } = await start({ command: SERVER, env: { DRAIN }, store })
    await Promise.all([app.restart(), clients.expectProperEnds()])
    await clients.expectBackAt(await whoServes(app.port))
    expect(await app.log()).toMatch(/drained .*, 0 connections cut/)
  })

  it('end as their protocols say at systemctl reload of socket-port run, and come back', async () => {
    const lines = await box.linesOfRun()
    const { app, clients } = await start({ command: RUN, env: { DRAIN }, lines })
    const pid = await app.pid()
    await Promise.all([box.systemd.reload(app.unit), clients.expectProperEnds()])
    await clients.expectBackAt(await whoServes(app.port))
    expect(await app.pid()).toBe(pid)
    await box.systemd.logHolds(app.unit, ', 0 connections cut')
  })

  it('negative control: systemctl restart of a plain server cuts them', async () => {
    const { app, clients } = await start({ command: SERVER, env: { WAY: 'plain' } })
    await Promise.all([app.restart(), clients.expectCuts('transport error')])
  })
})
