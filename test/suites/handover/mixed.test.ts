import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, expect, it } from 'vitest'
import { type App, type AppOptions, describeHandover, expectNothingNoticed } from './box.ts'

const post = (path: string, length: number, ...headers: string[]): string =>
  get(path, `Content-Length: ${length}`, ...headers).replace('GET', 'POST')

await describeHandover('a restart that hands connections over', (box) => {
  let app: App
  afterEach(async () => {
    expect(await app.log()).not.toMatch(/warning|error/i)
  })

  /** Starts the app and a restart of it that waits for one response of the old process. */
  async function heldRestart(options?: AppOptions) {
    app = await box.start(options)
    const holder = await app.connect()
    holder.raw.send(get('/hold'))
    await holder.raw.receive(/first /)
    const { old, restarted } = await app.beginRestart()
    return {
      old,
      holder,
      /** Ends that response, and with it the old process. */
      async finish(): Promise<void> {
        await app.release()
        await holder.raw.receive(new RegExp(`last of ${old}`))
        await restarted
        expect((await holder.who()).pid).not.toBe(old)
      },
    }
  }

  it('is seen by the server alone: same client, same connection', async () => {
    app = await box.start()
    const client = await app.connect()
    const before = await client.who()
    await app.restart()
    const after = await client.who()
    expect(after.pid).not.toBe(before.pid)
    const { remoteAddress, remotePort } = before
    expect(after).toMatchObject({ remoteAddress, remotePort, connections: 1 })
    expect(after.remotePort).toBe(client.localPort)
  })

  it('waits for a request in flight alone, whose connection goes on', async () => {
    const { finish, old } = await heldRestart()
    await finish()
    expect(await app.log()).toMatch(
      /drained \S+ in \d+ ms: [^,]+, 1 connection handed over, 0 idle/,
    )
    expect(await app.pid()).not.toBe(old)
  })

  it('lets no client wait while an earlier request is answered', async () => {
    app = await box.start()
    const load = await app.load({ clients: 20, think: [0, 20], method: 'mixed' })
    const holder = await app.connect()
    holder.raw.send(get('/hold'))
    await holder.raw.receive(/first /)
    const { old, restarted } = await app.beginRestart()
    for (let round = 0; round < 20; round += 1) await load.oneRequestEach()
    const fresh = await app.connect()
    expect((await fresh.who()).pid).toBe(old)
    await app.release()
    await holder.raw.receive(new RegExp(`last of ${old}`))
    await restarted
    await load.oneRequestEach()
    expectNothingNoticed(await load.stop(), 20)
    expect((await fresh.who()).pid).not.toBe(old)
  })

  it('lets a request wait that comes while no process runs', async () => {
    const fifo = join(box.systemd.dir, 'fifo')
    app = await box.start({ lines: [`ExecStartPre=/bin/sh -c 'test ! -p ${fifo} || cat ${fifo}'`] })
    const client = await app.connect()
    const before = await client.who()
    execFileSync('mkfifo', [fifo])
    const restarted = app.restart()
    await box.systemd.until(app.unit, 'SubState', 'start-pre')
    client.raw.send(get('/who'))
    const fresh = await RawConnection.open(app.port)
    fresh.send(get('/who'))
    await writeFile(fifo, 'open')
    await restarted
    expect((await client.whoComes()).pid).not.toBe(before.pid)
    await fresh.receive(/\{.*\}/)
    fresh.close()
  })

  it('answers pipelined requests, also those that come while the process ends', async () => {
    const { finish, old } = await heldRestart()
    const client = await app.connect()
    const ask = async (): Promise<string[]> => {
      client.raw.send(get('/who').repeat(20) + get('/refuse'))
      return (await client.raw.receive(/refused by/)).match(/"pid":\d+/g) ?? []
    }
    expect(await ask()).toEqual(Array(20).fill(`"pid":${old}`))
    await finish()
    expect(await ask()).toEqual(Array(20).fill(`"pid":${await app.pid()}`))
  })

  it('loses no half of a header, however it is cut', async () => {
    app = await box.start()
    const clients = await Promise.all(Array.from({ length: 20 }, () => app.connect()))
    const request = get('/who')
    const cut = (index: number): number => 1 + ((index * 7) % (request.length - 1))
    for (const [index, { raw }] of clients.entries()) raw.send(request.slice(0, cut(index)))
    const { restarted } = await app.beginRestart()
    for (const [index, { raw }] of clients.entries()) raw.send(request.slice(cut(index)))
    for (const client of clients) await client.whoComes()
    await restarted
    const pid = await app.pid()
    for (const client of clients) expect((await client.who()).pid).toBe(pid)
  })

  it('lets uploads come to their end, and their connections go on', async () => {
    app = await box.start()
    const clients = await Promise.all(Array.from({ length: 5 }, () => app.connect()))
    const half = 'x'.repeat(500_000)
    for (const { raw } of clients) raw.send(post('/count', 2 * half.length) + half)
    await box.systemd.logHolds(app.unit, 'counting\n'.repeat(5))
    const { old, restarted } = await app.beginRestart()
    for (const { raw } of clients) raw.send(half)
    for (const { raw } of clients) await raw.receive(new RegExp(`1000000 bytes to ${old}`))
    await restarted
    for (const client of clients) expect((await client.who()).pid).not.toBe(old)
  })

  it('never takes the rest of a body that was answered before for a request', async () => {
    const { finish, old } = await heldRestart()
    const { raw } = await app.connect()
    const body = get('/count').repeat(20_000)
    raw.send(post('/refuse', body.length))
    await raw.receive(/refused by \d+$/)
    raw.send(body)
    raw.send(get('/who'))
    await raw.receive(/\{.*\}/)
    await finish()
    raw.send(get('/who'))
    expect(await raw.receive(/\{.*\}/)).not.toContain(`"pid":${old}`)
    expect(await app.log()).not.toContain('counting')
  })

  it('lets a slow reader of a large response have it all', async () => {
    app = await box.start()
    const client = await app.connect()
    const { socket } = client.raw
    let bytes = 0
    socket.pause()
    client.raw.send(get('/large'))
    const { old, restarted } = await app.beginRestart()
    const all = new Promise<void>((resolve) => {
      const onData = (text: string): void => {
        bytes += text.length
        if (!text.endsWith('x') || bytes < 32 * 1024 * 1024) return
        socket.off('data', onData)
        resolve()
      }
      socket.on('data', onData)
    })
    socket.resume()
    await all
    client.raw.text = ''
    await restarted
    expect((await client.who()).pid).not.toBe(old)
  })

  it('answers Expect: 100-continue on either side', async () => {
    app = await box.start()
    const client = await app.connect()
    const { raw } = client
    raw.send(post('/count', 5, 'Expect: 100-continue'))
    await raw.receive(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    const { old, restarted } = await app.beginRestart()
    raw.send('hello')
    await raw.receive(new RegExp(`5 bytes to ${old}`))
    await restarted
    raw.send(post('/count', 5, 'Expect: 100-continue'))
    await raw.receive(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    raw.send('hello')
    await raw.receive(new RegExp(`5 bytes to ${await app.pid()}`))
  })

  it('closes after the response where the client says so, and after HTTP/1.0', async () => {
    const { finish } = await heldRestart()
    const requests = [get('/', 'Connection: close'), get('/').replace('1.1', '1.0')]
    for (const request of requests) {
      const raw = await RawConnection.open(app.port)
      raw.send(request)
      await raw.closed
      // Node keeps no connection of HTTP/1.0 alive.
      expect(raw.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*connection: close/is)
    }
    await finish()
  })

  it('goes unnoticed among connections that come and close all the time', async () => {
    app = await box.start()
    const load = await app.load({ clients: 30, rtt: 10, think: [0, 20], method: 'mixed' })
    const comingAndGoing = await app.load({ clients: 30, connection: 'per-request', paced: 500 })
    const quitters = await app.load({ clients: 0, idle: { clients: 200 } })
    for (let restart = 0; restart < 4; restart += 1) {
      // In this very moment.
      if (restart === 2) void quitters.dispose()
      await app.restart()
      await Promise.all([load.oneRequestEach(), comingAndGoing.oneRequestEach()])
    }
    expectNothingNoticed(await load.stop(), 30)
    const { failures, failed } = await comingAndGoing.stop()
    expect({ failures, failed }).toEqual({ failures: [], failed: 0 })
  })

  it('hands a connection on that never asks, generation after generation', async () => {
    // A restart that comes before all were received leaves their queue in the store, beside its own.
    app = await box.start({ store: 8 })
    const silent = await RawConnection.open(app.port)
    const client = await app.connect()
    for (let restart = 0; restart < 5; restart += 1) await app.restart()
    silent.send(get('/who'))
    expect(await silent.receive(/\{.*\}/)).toContain(`"remotePort":${silent.socket.localPort}`)
    expect(await client.who()).toMatchObject({ connections: 2 })
    await app.untilStored(0)
    silent.close()
  })
})
