import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { io } from 'socket.io-client'
import { expect, it } from 'vitest'
import { openStrict } from '../../src/socket-io/strict-client.ts'
import { afterTest, fixture, start, untilDrained } from '../cli/supervising.ts'

const command = [process.execPath, fixture('socket-io.mjs')]
const CLIENTS = 12
const RELOADS = 2

async function clientsOf(env: Record<string, string> = {}, clients = CLIENTS) {
  const supervised = await start({ command, env })
  const port = await supervised.port()
  const open = await openStrict(port, clients)
  afterTest(() => {
    for (const client of open) client.close()
  })
  return { supervised, port, clients: open }
}

it('clients of Socket.IO notice no reload: each message is acknowledged once, by one process after the other', async () => {
  const { supervised, clients } = await clientsOf()
  for (let reload = 1; reload <= RELOADS; reload += 1) {
    expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    await Promise.all(clients.map((client) => client.heard(1 + reload)))
  }
  expect(clients.flatMap(({ faults }) => faults)).toEqual([])
  await untilDrained(supervised)
  const { connections } = await supervised.until(
    (status) => status.connections.received >= RELOADS * CLIENTS,
  )
  expect(connections).toMatchObject({ webSockets: RELOADS * CLIENTS, cut: 0 })
  expect(supervised.generation.output).not.toMatch(/disconnect|wrong answer|warning/)
})

it('negative control: without the call each one is disconnected', async () => {
  const { supervised, clients } = await clientsOf({ PLAIN: '1' }, 4)
  const heard = Promise.allSettled(clients.map((client) => client.heard(2)))
  expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
  expect((await heard).map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
  for (const { faults } of clients) expect(faults).toContain('disconnect: transport close')
})

it('what the next program refuses is closed, and connects anew', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'socket-io-'))
  afterTest(() => rmSync(folder, { recursive: true }))
  const REFUSE = join(folder, 'refuse')
  const supervised = await start({ command, env: { REFUSE } })
  const port = await supervised.port()
  const options = { transports: ['websocket'], auth: { room: 'a' }, reconnectionDelay: 1 }
  const socket = io(`http://127.0.0.1:${port}`, options)
  afterTest(() => socket.close())
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  const closed = new Promise((resolve) => socket.once('disconnect', resolve))
  const refused = new Promise((resolve) => socket.once('connect_error', resolve))
  writeFileSync(REFUSE, '')
  expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
  expect(await closed).toBe('transport close')
  expect(await refused).toMatchObject({ message: 'expired' })
  await supervised.printed(
    /warning: closed 1 connection that the previous process handed over: a middleware of its namespace refused it;/,
  )
})
