import { freePort } from '@socket-port/testkit/native'
import { expect, it } from 'vitest'
import { NOTHING_NOTICED, WebSocketLoad } from '../src/web-sockets/load.ts'
import { reloadUntilServed, untilOldOnesEnded } from '../src/web-sockets/supervised.ts'
import { fixture, start } from '../suites/cli/supervising.ts'

const RELOADS = 3

it.each([
  ['@fastify/websocket', 'web-sockets-fastify.mjs'],
  ["Nest's WsAdapter", 'web-sockets-nest.mjs'],
])('clients of %s notice no reload', async (_, name) => {
  const port = freePort()
  const supervised = await start({
    args: ['--listen', `127.0.0.1:${port}`],
    command: [process.execPath, fixture(name)],
    env: { PORT: String(port) },
  })
  const load = await WebSocketLoad.start({ port, sockets: 30, path: '/' })
  for (let reload = 0; reload < RELOADS; reload++) await reloadUntilServed(supervised, [load])
  await untilOldOnesEnded(supervised)
  expect(supervised.generation.output).not.toMatch(/heard close|warning/)
  expect(await load.stop()).toMatchObject({ ...NOTHING_NOTICED, processes: RELOADS + 1 })
})
