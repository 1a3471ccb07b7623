import { EventEmitter, once } from 'node:events'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
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

  // They are opened after the signal, so they must not delay the hand-over. If they did, this one would wait for
  // ever: one is always open.
  it('and a stream of short upgraded connections do not delay the hand-over', async () => {
    const drain = { timeout: 3_600_000 }
    const lines = ['TimeoutStopSec=infinity']
    const app = await box.start({ servers: [{ drain }], lines, env: { TELL: '1' } })
    const [idle, busy] = [await app.connect(), await app.connect()]
    busy.raw.send(get('/hold'))
    await busy.raw.receive(/first /)
    const { old, restarted } = await app.beginRestart()
    const streams = Array.from({ length: 3 }, () => new ShortUpgrades(app.port))
    await Promise.all(streams.map((stream) => stream.opened(3)))
    await app.release()
    for (const { localPort } of [idle, busy]) {
      await box.systemd.logHolds(app.unit, `${old} has closed ${localPort}`)
    }
    // The old process waits for those that are open.
    await Promise.all(streams.map((stream) => stream.end()))
    await restarted
    expect(await busy.raw.receive(/last of \d+/)).toContain(`last of ${old}`)
    const pid = await app.pid()
    for (const client of [idle, busy]) expect((await client.who()).pid).toBe(pid)
    expect(await box.systemd.logHolds(app.unit, 'drained')).toContain(', 0 connections cut')
  })
})

/** Upgrades one connection after the other, and closes each as soon as the next one is open. */
class ShortUpgrades {
  readonly #port: number
  readonly #run: Promise<void>
  readonly #stop = new AbortController()
  readonly #stopped = once(this.#stop.signal, 'abort')
  readonly #opened = new EventEmitter()
  #count = 0

  constructor(port: number) {
    this.#port = port
    this.#run = this.#openAll()
  }

  /** Resolves when so many have been opened. */
  async opened(count: number): Promise<void> {
    while (this.#count < count) await once(this.#opened, 'open')
  }

  /** Closes the one that is open. One that waits for the next process is closed there. */
  end(): Promise<void> {
    this.#stop.abort()
    return this.#run
  }

  async #openAll(): Promise<void> {
    let open: RawConnection | undefined
    while (!this.#stop.signal.aborted) {
      const next = await RawConnection.open(this.#port)
      next.send(get('/', 'Connection: Upgrade', 'Upgrade: echo'))
      const switched = next.receive(/^HTTP\/1\.1 101 /)
      await Promise.race([switched, this.#stopped])
      open?.close()
      open = next
      await switched
      this.#count += 1
      this.#opened.emit('open')
    }
    open?.close()
  }
}
