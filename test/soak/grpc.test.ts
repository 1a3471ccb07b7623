import { fileURLToPath } from 'node:url'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { startSupervised } from '@socket-port/testkit/supervised'
import { afterEach, describe, expect, it } from 'vitest'
import { GrpcCalls } from '../src/grpc-client.ts'

afterEach(endProcesses)

const FIXTURE = fileURLToPath(new URL('../fixtures/core-grpc.mjs', import.meta.url))
const DRAIN_TIMEOUT = '6000'

/** Reloads a gRPC server under ten loops of unary calls and an endless stream, on one channel. */
async function reload(way: 'register' | 'injector' | 'plain', reloads: number) {
  const port = freePort()
  const register = way === 'register' ? ['--register', '--ready', 'port'] : []
  const supervised = startSupervised({
    args: ['--listen', `127.0.0.1:${port}`, ...register],
    command: [process.execPath, FIXTURE],
    env: {
      WAY: way,
      PORT: String(port),
      DRAIN_TIMEOUT,
      SOCKET_PORT_REGISTER_DRAIN_TIMEOUT: DRAIN_TIMEOUT,
    },
  })
  await supervised.printed(/generation 1 is ready/)
  const calls = new GrpcCalls(port, 10)
  /** For each reload, whether the next process answered calls while the stream of the one before was open. */
  const beside: boolean[] = []
  for (let count = 0; count < reloads; count += 1) {
    const old = await calls.watch()
    expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    await calls.until(() => calls.pid !== old || calls.watched === undefined)
    beside.push(calls.watched === old)
    await calls.until(() => calls.watched === undefined)
  }
  await calls.stop()
  await supervised.dispose()
  return { calls, beside }
}

describe.each(['register', 'injector'] as const)('a server of @grpc/grpc-js, by %s', (way) => {
  it('loses no unary call while an endless stream holds the old process', async () => {
    const { calls, beside } = await reload(way, 2)
    expect(calls.failures).toEqual([])
    expect(beside).toEqual([true, true])
    expect(calls.calls).toBeGreaterThan(100)
  }, 120_000)
})

it('negative control: without a drain unary calls fail', async () => {
  const { calls } = await reload('plain', 1)
  expect(calls.failures.length).toBeGreaterThan(0)
}, 120_000)
