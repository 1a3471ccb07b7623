import { fileURLToPath } from 'node:url'
import { DelayedNetwork } from '@socket-port/testkit/delayed-network'
import { cert } from '@socket-port/testkit/fixed-certificate'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { expect, it } from 'vitest'
import { type Beside, GrpcCalls } from '../../src/grpc-client.ts'
import { describeHandover } from '../handover/box.ts'
import { replace, startReplaceable, together, WAYS, type Way } from './replacing.ts'

const SERVER = [pathInBox(fileURLToPath(new URL('../../fixtures/core-grpc.mjs', import.meta.url)))]

await describeHandover('gRPC', (box) => {
  /** Replaces a gRPC server under ten loops of unary calls, 20 ms away, and an endless stream, on one channel. */
  async function replaceUnderCalls(
    way: Way,
    server: 'injector' | 'tls' | 'plain',
    tls: boolean,
  ): Promise<{ way: Way; calls: GrpcCalls; beside: Beside }> {
    const env = { WAY: server, DRAIN_TIMEOUT: '6000' }
    const app = await startReplaceable(box, { way, server: SERVER, tls, env })
    const network = await DelayedNetwork.open(app.port, 20)
    const calls = new GrpcCalls(network.port, 10, tls ? cert : undefined)
    const beside = await calls.whileReplaced(() => replace(app, way))
    await calls.stop()
    network.close()
    return { way, calls, beside }
  }

  it('systemctl restart or reload loses no unary call while an endless stream holds the old process', async () => {
    const all = WAYS.flatMap((way) => [
      replaceUnderCalls(way, 'injector', false),
      replaceUnderCalls(way, 'tls', true),
    ])
    for (const { way, calls, beside } of await together(all)) {
      expect(calls.failures).toEqual([])
      expect(beside.answered).toBeGreaterThan(0)
      // systemd starts the next process of a restart only when the old one has ended.
      if (way === 'reload') expect(beside.next).toBe(true)
    }
  })

  it('negative control: without a drain unary calls fail, with and without TLS', async () => {
    const lose = (tls: boolean) =>
      untilLost(async () => {
        const { calls } = await replaceUnderCalls('restart', 'plain', tls)
        return { failed: calls.failures.length }
      })
    await together([lose(false), lose(true)])
  })
})
