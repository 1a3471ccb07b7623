import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SOCKET_PORT } from '@socket-port/testkit/command'
import { LightSocketIo } from '@socket-port/testkit/light-socket-io'
import { RawConnection } from '@socket-port/testkit/raw-connection'
import { handshake, textFrame } from '@socket-port/testkit/raw-web-socket'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { afterEach, expect, it } from 'vitest'
import { describeHandover } from './box.ts'

const SERVER = fileURLToPath(new URL('../../fixtures/web-sockets.mjs', import.meta.url))
const COUNT = 10_000
const ATTACHED = 1024
const AT_ONCE = 100

// What a kernel allows whose administrator has changed nothing. It limits the queue of a process that is started from now on.
const LARGEST_QUEUE = '/proc/sys/net/core/wmem_max'
const DEFAULT = '212992'
const before = readFileSync(LARGEST_QUEUE, 'utf8')
afterEach(() => writeFileSync(LARGEST_QUEUE, before))

const SOCKET_IO = fileURLToPath(new URL('../../fixtures/socket-io.mjs', import.meta.url))
const SOCKET_IO_CLIENTS = 2_000

async function each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const left = items.entries()
  const results: R[] = []
  const worker = async (): Promise<void> => {
    for (const [at, item] of left) results[at] = await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return results
}

async function open(port: number): Promise<RawConnection> {
  const client = await RawConnection.open(port)
  client.send(handshake('/'))
  await client.receive(/^HTTP\/1\.1 101 .*\r\n\r\n/s)
  return client
}

/** Sends one message. Returns how many the server has counted of this client. */
async function ask(client: RawConnection): Promise<number> {
  client.send(textFrame(JSON.stringify({ n: 1 })))
  const [, count] = /"count":(\d+)/.exec(await client.receive(/\}$/)) ?? []
  return Number(count)
}

await describeHandover('10,000 WebSockets, where the kernel has its usual limits,', (box) => {
  it(`go to the next process with ${ATTACHED} bytes each`, async () => {
    writeFileSync(LARGEST_QUEUE, DEFAULT)
    const app = await box.start({
      command: [process.execPath, SERVER].map(pathInBox),
      env: { PADDING: String(ATTACHED) },
      lines: ['LimitNOFILE=20000'],
    })
    const clients = await each(Array<number>(COUNT).fill(app.port), open)
    expect(new Set(await each(clients, ask))).toEqual(new Set([1]))
    await app.restart()
    expect(new Set(await each(clients, ask))).toEqual(new Set([2]))
    const log = await app.log()
    expect(log).toMatch(/drained .* 10000 WebSockets handed over, .* 0 connections cut/)
    expect(log).not.toMatch(/not every connection|warning/)
    for (const client of clients) client.close()
  })
})

await describeHandover('thousands of clients of Socket.IO, with the same limits,', (box) => {
  const server = [process.execPath, SOCKET_IO].map(pathInBox)
  const run = [process.execPath, SOCKET_PORT].map(pathInBox)

  it.each(['systemctl restart', 'reload of socket-port run'])('notice no %s', async (way) => {
    writeFileSync(LARGEST_QUEUE, DEFAULT)
    const isReload = way.startsWith('reload')
    const app = await box.start({
      command: isReload ? [...run, 'run', '--', ...server] : server,
      env: { QUIET: '1' },
      lines: ['LimitNOFILE=20000', ...(isReload ? await box.linesOfRun() : [])],
    })
    const ports = Array<number>(SOCKET_IO_CLIENTS).fill(app.port)
    const clients = await each(ports, LightSocketIo.open)
    const ask = async (): Promise<number[]> => {
      const pids = new Set(await each(clients, (client) => client.ask()))
      return [...pids]
    }
    const [before, ...others] = await ask()
    if (isReload) await box.systemd.reload(app.unit)
    else await app.restart()
    await box.systemd.logHolds(app.unit, `${SOCKET_IO_CLIENTS} WebSockets handed over`)
    const after = await ask()
    expect([others, after.length, after.includes(before ?? 0)]).toEqual([[], 1, false])
    expect(clients.flatMap(({ faults }) => faults)).toEqual([])
    // Each hears a ping at once: its client counts from the last one of the previous process.
    expect(new Set(clients.map(({ pings }) => pings > 0))).toEqual(new Set([true]))
    const log = await app.log()
    expect(log).toMatch(/drained .* 2000 WebSockets handed over, .* 0 connections cut/)
    expect(log).not.toMatch(/not every connection|warning|disconnect:/)
    await Promise.all(clients.map((client) => client.close()))
  })
})
