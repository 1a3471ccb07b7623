import { fileURLToPath } from 'node:url'
import { freePort } from '@socket-port/testkit/native'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { expect, it } from 'vitest'
import type { ServerOptions } from './app.ts'
import { type App, describeHandover } from './box.ts'

const FIXTURE = fileURLToPath(new URL('../../fixtures/handover/addresses.mjs', import.meta.url))
const command = [pathInBox(process.execPath), pathInBox(FIXTURE)]

/** What answers on the connection, and of which process. */
async function answer(client: RawConnection): Promise<string> {
  return /\w+ of \d+$/.exec(await client.receive(/\w+ of \d+$/))?.[0] ?? ''
}

const servers = (port: number, hosts: Readonly<Record<string, string>>): ServerOptions[] =>
  Object.entries(hosts).map(([id, host]) => ({ id, host, port }))

await describeHandover('connections that were made to one address of several', (box) => {
  /** Lets the server that comes later listen, too. */
  async function complete(app: App, id: string): Promise<void> {
    await box.systemd.kill(app.unit, 'SIGUSR2')
    await box.systemd.logHolds(app.unit, `${id} of ${await app.pid()} listens`)
  }

  it.each([
    ['sockets of the manager', true],
    ['sockets that the process binds', false],
  ])('go to the server on theirs, which listens later (%s)', async (_, passed) => {
    const port = freePort()
    const hosts = { admin: '127.0.0.1', public: '127.0.0.2' }
    const listen = passed ? `127.0.0.1:${port}\nListenStream=127.0.0.2:${port}` : null
    const app = await box.start({ listen, command, servers: servers(port, hosts) })
    await complete(app, 'public')
    const client = await RawConnection.open(port, hosts.public)
    client.send(get('/'))
    expect(await answer(client)).toBe(`public of ${await app.pid()}`)
    for (let restart = 0; restart < 3; restart += 1) {
      await app.restart()
      client.send(get('/'))
      // The server that listens already has answered, so every connection of the batch has found its place.
      const other = await RawConnection.open(port, hosts.admin)
      other.send(get('/'))
      expect(await answer(other)).toBe(`admin of ${await app.pid()}`)
      other.close()
      await complete(app, 'public')
      expect(await answer(client)).toBe(`public of ${await app.pid()}`)
    }
    client.close()
  })

  it('are closed where the next version listens on another address, and no other server gets them', async () => {
    const port = freePort()
    const app = await box.start({ listen: null, command, servers: servers(port, { all: '::' }) })
    const [outside, inside] = [
      await RawConnection.open(port, '127.0.0.2'),
      await RawConnection.open(port),
    ]
    for (const client of [outside, inside]) {
      client.send(get('/'))
      expect(await answer(client)).toBe(`all of ${await app.pid()}`)
    }
    await app.install({ listen: null, command, servers: servers(port, { local: '127.0.0.1' }) })
    await app.restart()
    for (const client of [outside, inside]) client.send(get('/'))
    expect(await answer(inside)).toBe(`local of ${await app.pid()}`)
    await outside.closed
    expect(outside.text).toBe('')
    await box.systemd.logHolds(app.unit, `made to 127.0.0.2:${port}`)
    inside.close()
  })
})
