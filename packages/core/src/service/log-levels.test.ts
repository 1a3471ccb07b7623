import { once } from 'node:events'
import { createServer } from 'node:http'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { expect, it, onTestFinished } from 'vitest'
import type { DrainOptions, Logger } from '../base/types.ts'
import { shutdown } from '../lifecycle/shutdown.ts'
import { serve } from './serve.ts'

/** Serves, shuts down with a request that is held, and returns what was logged above the level `debug`, and at it. */
async function restart(drain: DrainOptions, answers: boolean): Promise<Record<string, string[]>> {
  const [told, debug]: string[][] = [[], []]
  const at = (level: string) => (text: string) => void told?.push(`${level} ${text}`)
  const logger: Logger = {
    debug: (text) => void debug?.push(text),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
  const server = createServer()
  const service = await serve(server, { port: 0, signals: false, exit: false, logger, drain })
  const client = await RawConnection.open(service.port ?? 0)
  onTestFinished(() => client.close())
  client.send(get('/'))
  const [, response] = await once(server, 'request')
  const ended = shutdown()
  if (answers) response.end()
  await ended
  return { told: told ?? [], debug: debug ?? [] }
}

it('a restart logs one line when it listens, and one when it has drained', async () => {
  const { told, debug } = await restart({}, true)
  expect(told).toEqual([
    expect.stringMatching(/^info listening on /),
    expect.stringMatching(
      /^info drained .*: 1 request served meanwhile, 0 idle .* closed, 0 .* cut$/,
    ),
  ])
  expect(debug).toContain('shutdown: draining 1 server')
})

it('the line about the drain is a warning if a connection was cut', async () => {
  const { told } = await restart({ timeout: 20 }, false)
  expect(told).toEqual([
    expect.stringMatching(/^info listening on /),
    expect.stringMatching(/^warn drained .*, 1 connection cut$/),
  ])
})
