import { fileURLToPath } from 'node:url'
import { endProcesses } from '@socket-port/testkit/processes'
import { startSupervised } from '@socket-port/testkit/supervised'
import { afterEach, expect, it } from 'vitest'
import { openStrict } from '../src/socket-io/strict-client.ts'

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
