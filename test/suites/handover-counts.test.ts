import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { endProcesses } from '../src/processes.ts'
import { requireOrSkip } from '../src/requirements.ts'
import { systemdSkipReason } from '../src/systemd/index.ts'
import { type App, expectNothingNoticed, HandoverBox } from './handover-box.ts'

describe(...requireOrSkip('the number of connections handed over', systemdSkipReason()), () => {
  let box: HandoverBox
  let app: App
  beforeAll(async () => {
    box = await HandoverBox.boot()
  })
  afterEach(async () => {
    await app.stop()
    await endProcesses()
  })
  afterAll(() => box?.systemd.stop())

  it.each([
    [1_000, { clients: 1_000, method: 'mixed', think: [0, 1_000] }, 2],
    [10_000, { clients: 50, think: [0, 20], idle: { clients: 9_950 } }, 2],
  ] as const)('%i: 0 failed, 0 closed', async (connections, options, restarts) => {
    const set = { keepAliveTimeout: 600_000, headersTimeout: 0 }
    app = await box.start({ servers: [{ set }], lines: ['LimitNOFILE=20000'] })
    const load = await app.load(options)
    for (let restart = 0; restart < restarts; restart += 1) {
      await app.restart()
      await load.round()
    }
    const result = await load.stop()
    expectNothingNoticed(result, connections)
    expect(result.idle.closed).toEqual({ fin: 0, reset: 0, data: 0 })
    const log = await app.log()
    expect(log).not.toMatch(/warning|error/i)
    expect(log.match(new RegExp(`adopted ${connections} connections`, 'g'))).toHaveLength(restarts)
  })
})
