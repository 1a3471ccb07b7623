import { pathInBox } from '@socket-port/testkit/systemd/index'
import { expect, it } from 'vitest'
import { NOTHING_NOTICED, WebSocketLoad } from '../../src/web-sockets/load.ts'
import { COMPRESSES, FIXTURE } from '../../src/web-sockets/supervised.ts'
import { describeHandover } from '../handover/box.ts'

const command = [process.execPath, FIXTURE].map(pathInBox)
const RESTARTS = 5

await describeHandover('WebSockets of ws', (box) => {
  it(`notice none of ${RESTARTS} systemctl restarts`, async () => {
    const app = await box.start({ command, env: { OPTIONS: COMPRESSES } })
    const { port } = app
    const loads = await Promise.all([
      WebSocketLoad.start({ port, sockets: 100 }),
      WebSocketLoad.start({ port, sockets: 10, largeEvery: 4, seed: 1_000 }),
      WebSocketLoad.start({ port, sockets: 10, every: 100, compresses: true, seed: 2_000 }),
    ])
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      await app.restart()
      const pid = await app.pid()
      await Promise.all(loads.map((load) => load.servedBy(pid)))
    }
    expect(await app.log()).not.toMatch(/heard close|late was sent|warning/)
    for (const load of loads) {
      expect(await load.stop()).toMatchObject({ ...NOTHING_NOTICED, processes: RESTARTS + 1 })
    }
  })

  it.each([
    ['without room in the fd store', 0, {}],
    ['without the call', 4, { PLAIN: '1' }],
  ])('negative control: %s each is closed', async (_, store, env) => {
    const app = await box.start({ command, env: env as Record<string, string>, store })
    const load = await WebSocketLoad.start({ port: app.port, sockets: 10 })
    await app.restart()
    expect(await load.allClosed()).toEqual(Array(10).fill(1001))
    await load.stop()
  })
})
