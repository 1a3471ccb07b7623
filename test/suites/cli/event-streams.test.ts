import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StrictEventStream } from '@socket-port/testkit/strict-event-stream'
import { expect, it } from 'vitest'
import { afterTest, fixture, start, untilDrained } from './supervising.ts'

const FIXTURE = fixture('event-streams.mjs')
const STREAMS = 20

async function streams(env: Record<string, string> = {}, workers: string[] = []) {
  const supervised = await start({
    command: [process.execPath, FIXTURE],
    env,
    args: ['--listen', '127.0.0.1:0', ...workers],
  })
  const port = await supervised.port()
  const open = Array.from({ length: STREAMS }, (_, n) => StrictEventStream.open(port, `/${n}`))
  const clients = await Promise.all(open)
  afterTest(() => {
    for (const client of clients) client.close()
  })
  return { supervised, clients }
}

it('event streams live through reloads: none is closed, and no event is lost or sent twice', async () => {
  const { supervised, clients } = await streams()
  for (const reload of [1, 2, 3]) {
    expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    await Promise.all(clients.map((client) => client.heard(1 + reload)))
  }
  expect(clients.flatMap(({ faults }) => faults)).toEqual([])
  await untilDrained(supervised)
  const { connections } = await supervised.until(
    (status) => status.connections.received === 3 * STREAMS,
  )
  expect(connections).toMatchObject({ handedOver: 3 * STREAMS, eventStreams: 3 * STREAMS, cut: 0 })
})

it('and through two reloads close together, and with two workers', async () => {
  const { supervised, clients } = await streams({}, ['--workers', '2'])
  const answers = await Promise.all([supervised.ask('reload'), supervised.ask('reload')])
  expect(answers).toMatchObject([{ code: 0 }, { code: 0 }])
  await Promise.all(clients.map((client) => client.heard(2)))
  expect(clients.flatMap(({ faults }) => faults)).toEqual([])
})

it('and through a reload whose process does not start: the old one sends on, and the next reload hands over', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'socket-port-broken-'))
  afterTest(() => rmSync(directory, { recursive: true }))
  const BROKEN = join(directory, 'broken')
  const { supervised, clients } = await streams({ BROKEN })
  writeFileSync(BROKEN, '')
  expect((await supervised.ask('reload')).code).not.toBe(0)
  rmSync(BROKEN)
  expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
  await Promise.all(clients.map((client) => client.heard(2)))
  expect(clients.flatMap(({ faults }) => faults)).toEqual([])
})

it('negative control: without the call each one ends', async () => {
  const { supervised, clients } = await streams({ PLAIN: '1' })
  const ended = clients.map((client) => client.heard(2))
  const rejected = Promise.allSettled(ended)
  expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
  expect((await rejected).filter(({ status }) => status === 'rejected').length).toBe(STREAMS)
  expect(clients.flatMap(({ faults }) => faults)).toEqual(
    Array(STREAMS).fill('the last chunk has come'),
  )
})
