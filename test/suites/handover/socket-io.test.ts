import { fileURLToPath } from 'node:url'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { expect, it } from 'vitest'
import { openStrict } from '../../src/socket-io/strict-client.ts'
import { describeHandover } from './box.ts'

const SERVER = fileURLToPath(new URL('../../fixtures/socket-io.mjs', import.meta.url))
const CLIENTS = 24
const RESTARTS = 4

await describeHandover('Socket.IO', (box) => {
  async function clientsOf(clients: number, env: Record<string, string> = {}) {
    const app = await box.start({ env, command: [process.execPath, SERVER].map(pathInBox) })
    return { app, clients: await openStrict(app.port, clients) }
  }

  it(`clients notice none of ${RESTARTS} restarts: each message is acknowledged once`, async () => {
    const { app, clients } = await clientsOf(CLIENTS)
    for (let restart = 1; restart <= RESTARTS; restart += 1) {
      await app.restart()
      await Promise.all(clients.map((client) => client.heard(1 + restart)))
    }
    expect(clients.flatMap(({ faults }) => faults)).toEqual([])
    const log = await app.log()
    expect(log).toMatch(new RegExp(`received ${CLIENTS} WebSockets of the previous process`))
    expect(log).not.toMatch(/disconnect:|wrong answer/)
    for (const client of clients) client.close()
  })

  it('negative control: without the call each one is disconnected', async () => {
    const { app, clients } = await clientsOf(4, { PLAIN: '1' })
    const heard = Promise.allSettled(clients.map((client) => client.heard(2)))
    await app.restart()
    expect((await heard).map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
    for (const { faults } of clients) expect(faults).toContain('disconnect: transport close')
    for (const client of clients) client.close()
  })
})
