import { untilLost } from '@socket-port/testkit/load/until-lost'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, describe, expect, it } from 'vitest'
import { expectSafeToRepeat, reloadHttp2 } from '../suites/load/http2-reloads.ts'

afterEach(endProcesses)

const LOADS = [
  { rtt: 0, streams: 1, method: 'GET' },
  { rtt: 0, streams: 10, method: 'mixed' },
  { rtt: 20, streams: 1, method: 'POST' },
  { rtt: 20, streams: 10, method: 'GET' },
] as const

describe.each(LOADS)('HTTP/2, round trip $rtt ms, $streams at a time, $method', (load) => {
  const options = { ...load, reloads: 3 }

  it('without TLS: 0 failed, with several at a time what is refused was not handled', async () => {
    const result = await reloadHttp2({ ...options, tls: false })
    if (load.streams === 1) expect(result.failures).toEqual([])
    expectSafeToRepeat(result)
    console.log(`h2c: ${result.failures.length} of ${result.requests} refused`)
  }, 180_000)

  it('with TLS: what is refused was not handled', async () => {
    const result = await reloadHttp2({ ...options, tls: true })
    expectSafeToRepeat(result)
    console.log(`TLS: ${result.failures.length} of ${result.requests} refused`)
  }, 180_000)

  it('negative control: Node’s own close loses requests', async () => {
    await untilLost(async () => {
      const { failures } = await reloadHttp2({ ...options, reloads: 1, tls: false, close: 'plain' })
      return { failed: failures.filter(({ refused }) => !refused).length }
    })
  }, 180_000)
})

it('with TLS at most a third is refused of what sessions refuse that are closed at once', async () => {
  const options = { tls: true, reloads: 5, rtt: 20, streams: 4 }
  const { failures: atOnce } = await reloadHttp2({ ...options, close: 'at-once' })
  expect(atOnce.length).toBeGreaterThan(0)
  const { failures } = await reloadHttp2(options)
  expect(failures.length).toBeLessThanOrEqual(atOnce.length / 3)
  console.log(`TLS: ${failures.length} refused, ${atOnce.length} where sessions are closed at once`)
}, 180_000)
