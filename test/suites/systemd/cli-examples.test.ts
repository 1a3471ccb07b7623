import { fileURLToPath } from 'node:url'
import { freePort } from '@socket-port/testkit/native'
import { describe, expect, test } from 'vitest'
import {
  expectNothingLost,
  expectStops,
  start,
  underLoad,
  untilDrained,
} from '../cli/supervising.ts'

const RELOADS = Number(process.env.SOCKET_PORT_RESTARTS ?? 5)
const CLIENTS = 20

// As its `npm start`; NestJS is compiled.
const EXAMPLES: readonly (readonly [folder: string, entry: string])[] = [
  ...(['node-http', 'express', 'fastify', 'koa', 'hono', 'hapi'] as const).map(
    (folder) => [folder, 'server.mjs'] as const,
  ),
  ['nestjs', 'dist/main.mjs'],
]

describe(`examples under socket-port run, ${RELOADS} reloads each under load`, () => {
  test.each(EXAMPLES)('%s: 0 failed, 0 connections closed', async (folder, entry) => {
    const port = freePort()
    const cwd = fileURLToPath(new URL(`../../../examples/${folder}`, import.meta.url))
    const supervised = await start({
      ...{
        args: ['--listen', String(port), '--settle', '50'],
        command: [process.execPath, entry],
        cwd,
      },
      env: { PORT: String(port), NODE_ENV: 'production' },
    })
    const result = await underLoad(
      port,
      async (load) => {
        for (let generation = 2; generation <= RELOADS + 1; generation += 1) {
          process.kill(supervised.pid, 'SIGHUP')
          const [, became] = await supervised.printed(
            new RegExp(`generation ${generation} (is ready|failed)`),
          )
          expect(became, supervised.generation.output).toBe('is ready')
          await untilDrained(supervised)
          await load.moreRequests(100)
        }
      },
      { clients: CLIENTS, method: 'GET', connection: 'keep-alive' },
    )
    expectNothingLost(result)
    expect(result).toMatchObject({ closedByServer: 0, connections: CLIENTS })
    const received = CLIENTS * RELOADS
    expect((await supervised.status()).connections).toMatchObject({
      handedOver: received,
      received,
    })
    await expectStops(supervised)
    const { output } = supervised.generation
    expect(output).not.toMatch(/warn|error/i)
    // Each has run what closes its database.
    expect(output.match(/^closed/gm)).toHaveLength(RELOADS + 1)
  })
})
