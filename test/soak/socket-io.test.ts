import { fileURLToPath } from 'node:url'
import { endProcesses } from '@socket-port/testkit/processes'
import { startSupervised } from '@socket-port/testkit/supervised'
import { afterEach, expect, it } from 'vitest'
import { openStrict, type StrictSocketIo } from '../src/socket-io/strict-client.ts'

afterEach(endProcesses)

const FIXTURE = fileURLToPath(new URL('../fixtures/socket-io.mjs', import.meta.url))
const CLIENTS = 48
const RELOADS = 10

it(`${CLIENTS} clients of Socket.IO, which also answer their server, notice none of ${RELOADS} reloads`, async () => {
  const supervised = startSupervised({ command: [process.execPath, FIXTURE], env: { ASKS: '1' } })
  await supervised.printed(/generation 1 is ready/)
  const clients = await openStrict(await supervised.port(), CLIENTS)
  for (let reload = 1; reload <= RELOADS; reload += 1) {
    expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    await Promise.all(clients.map((client) => client.heard(1 + reload)))
  }
  for (const client of clients) client.close()
  const answers = clients.reduce((sum, client) => sum + client.answers, 0)
  console.log(`${answers} messages acknowledged`)
  expect(clients.flatMap(({ faults }) => faults)).toEqual([])
  expect(supervised.generation.output).not.toMatch(/disconnect: (?!client namespace)|wrong answer/)
  await supervised.dispose()
})

it('clients that cannot go are disconnected, and counted by the reason', async () => {
  const supervised = startSupervised({ command: [process.execPath, FIXTURE] })
  await supervised.printed(/generation 1 is ready/)
  const port = await supervised.port()
  const [one, other] = (await openStrict(port, 2)) as [StrictSocketIo, StrictSocketIo]
  await one.ask('put a function into data')
  other.ask('never answered').catch(() => {})
  const heard = Promise.allSettled([one.heard(2), other.heard(2)])
  expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
  expect((await heard).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const [, reasons] = await supervised.printed(
    /warning: not every connection goes on in the next process: (.*)/,
  )
  expect(reasons?.split('; ').sort()).toEqual([
    expect.stringMatching(
      /^1 connection: it did not come to rest .* \(the program has not acknowledged an event\)$/,
    ),
    '1 connection: its attachment cannot be copied to another process: attachment.sockets[0].data.greet is a function',
  ])
  for (const client of [one, other]) client.close()
  await supervised.dispose()
})
