import { RawConnection } from '@socket-port/testkit/raw-connection'
import { expect, it } from 'vitest'
import { describeHandover } from './box.ts'

await describeHandover('clients that are too slow', (box) => {
  it('delay a restart by the time-outs of Node, not by the deadline', async () => {
    const app = await box.start({ servers: [{ set: { headersTimeout: 500 } }] })
    const idle = await app.connect()
    const slow = await Promise.all(Array.from({ length: 20 }, () => RawConnection.open(app.port)))
    for (const client of slow) client.send('GET /who HTTP/1.1\r\nHost')
    await idle.who()
    await app.restart()
    // It was handed over. The previous process has answered the others, in order.
    expect(await idle.who()).toMatchObject({ pid: await app.pid() })
    for (const client of slow) {
      await client.closed
      expect(client.text).toMatch(/HTTP\/1\.1 408 /)
    }
    expect(await box.systemd.logHolds(app.unit, 'drained')).toContain(', 0 connections cut')
  })
})
