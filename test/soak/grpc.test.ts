import { fileURLToPath } from 'node:url'
import { DelayedNetwork } from '@socket-port/testkit/delayed-network'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { startSupervised } from '@socket-port/testkit/supervised'
import { afterEach, describe, expect, it } from 'vitest'
import { GrpcCalls } from '../src/grpc-client.ts'

afterEach(endProcesses)

const FIXTURE = fileURLToPath(new URL('../fixtures/core-grpc.mjs', import.meta.url))
const DRAIN_TIMEOUT = '6000'

interface Reload {
  way: 'register' | 'injector' | 'tls' | 'plain'
  tls: boolean
  /** Simulated network round trip in milliseconds. @default 0 */
  rtt?: number
  reloads: number
}

/** Reloads a gRPC server under ten loops of unary calls and an endless stream, on one channel. */
async function reload({ way, tls, rtt = 0, reloads }: Reload) {
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
      ...(tls && { KEY: key, CERT: cert }),
    },
  })
  await supervised.printed(/generation 1 is ready/)
  const network = await DelayedNetwork.open(port, rtt)
  const calls = new GrpcCalls(network.port, 10, tls ? cert : undefined)
  /** For each reload, whether the next process answered calls while the stream of the one before was open. */
  const beside: boolean[] = []
  for (let count = 0; count < reloads; count += 1) {
    const { next } = await calls.whileReplaced(async () => {
      expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    })
    beside.push(next)
  }
  await calls.stop()
  network.close()
  await supervised.dispose()
  return { calls, beside }
}

describe.each([
  { way: 'register', tls: false, rtt: 0, reloads: 2 },
  { way: 'injector', tls: false, rtt: 20, reloads: 2 },
  { way: 'register', tls: true, rtt: 20, reloads: 1 },
  { way: 'tls', tls: true, rtt: 0, reloads: 1 },
  { way: 'injector', tls: true, rtt: 20, reloads: 1 },
] as const)('a server of @grpc/grpc-js, by $way (TLS: $tls, round trip $rtt ms)', (options) => {
  it('loses no unary call while an endless stream holds the old process', async () => {
    const { calls, beside } = await reload(options)
    expect(calls.failures).toEqual([])
    expect(beside).toEqual(Array(options.reloads).fill(true))
    expect(calls.calls).toBeGreaterThan(100)
  }, 120_000)
})

it.each([false, true])(
  'negative control: without a drain unary calls fail (TLS: %s)',
  async (tls) => {
    await untilLost(async () => {
      const { calls } = await reload({ way: 'plain', tls, reloads: 1 })
      return { failed: calls.failures.length }
    })
  },
  120_000,
)
