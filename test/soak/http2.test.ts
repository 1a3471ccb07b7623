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
  const options = { ...load, reloads: 5 }

  it('without TLS: 0 failed', async () => {
    const { failures, requests } = await reloadHttp2({ ...options, tls: false })
    expect(failures).toEqual([])
    console.log(`h2c: ${requests} requests, 0 failed`)
  }, 180_000)

  it('with TLS: only refused, at most a third of what sessions refuse that are closed at once', async () => {
    const control = await reloadHttp2({ ...options, tls: true, close: 'at-once' })
    expect(control.failures.length).toBeGreaterThan(0)
    const result = await reloadHttp2({ ...options, tls: true })
    expectSafeToRepeat(result)
    expect(result.failures.length).toBeLessThanOrEqual(control.failures.length / 3)
    const [refused, before] = [result, control].map(
      (one) => `${one.failures.length} of ${one.requests}`,
    )
    console.log(`TLS: ${refused} refused; at once: ${before}`)
  }, 180_000)

  it('negative control: Node’s own close loses requests', async () => {
    const { failures } = await reloadHttp2({ ...options, reloads: 1, tls: false, close: 'plain' })
    expect(failures.some(({ refused }) => !refused)).toBe(true)
  }, 180_000)
})
