import { fileURLToPath } from 'node:url'
import { StrictEventStream } from '@socket-port/testkit/strict-event-stream'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { expect, it } from 'vitest'
import { describeHandover } from './box.ts'

const SERVER = fileURLToPath(new URL('../../fixtures/event-streams.mjs', import.meta.url))
const STREAMS = 50
const RESTARTS = 5

await describeHandover('event streams', (box) => {
  async function streams(env: Record<string, string> = {}) {
    const app = await box.start({ env, command: [process.execPath, SERVER].map(pathInBox) })
    const open = Array.from({ length: STREAMS }, (_, n) =>
      StrictEventStream.open(app.port, `/${n}`),
    )
    return { app, clients: await Promise.all(open) }
  }

  it(`live through ${RESTARTS} restarts: none is closed, and no event is lost or sent twice`, async () => {
    const { app, clients } = await streams()
    for (let restart = 1; restart <= RESTARTS; restart += 1) {
      await app.restart()
      await Promise.all(clients.map((client) => client.heard(1 + restart)))
    }
    expect(clients.flatMap(({ faults }) => faults)).toEqual([])
    expect(await app.log()).toMatch(/drained .* 50 event streams handed over/)
    expect(await app.log()).toMatch(/received 50 event streams of the previous process/)
    for (const client of clients) client.close()
  })

  it('negative control: without the call each one ends', async () => {
    const { app, clients } = await streams({ PLAIN: '1' })
    const ended = Promise.allSettled(clients.map((client) => client.heard(2)))
    await app.restart()
    expect((await ended).filter(({ status }) => status === 'rejected').length).toBe(STREAMS)
    for (const client of clients) client.close()
  })
})
