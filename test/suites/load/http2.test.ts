import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, describe, expect, it } from 'vitest'
import { expectSafeToRepeat, reloadHttp2 } from './http2-reloads.ts'

afterEach(endProcesses)

// test/soak/http2.test.ts has more of these.
describe('reloads under HTTP/2 clients', () => {
  it('without TLS, one at a time: 0 failed', async () => {
    const { failures } = await reloadHttp2({ tls: false, reloads: 1, rtt: 20 })
    expect(failures).toEqual([])
  })

  it.each([false, true])(
    'four at a time: what is refused was not handled (TLS: %s)',
    async (tls) => {
      expectSafeToRepeat(await reloadHttp2({ tls, reloads: 1, streams: 4, rtt: 20 }))
    },
  )

  it('negative control: sessions that are closed at once refuse requests, and handle none of these', async () => {
    // Answered without a pause, a request is on its way for most of the time. On a busy machine all may have arrived
    // when the sessions close: then reload once more.
    const options = { reloads: 1, streams: 4, rtt: 20, serviceMs: 0, close: 'at-once' } as const
    let result = await reloadHttp2(options)
    while (result.failures.length === 0) result = await reloadHttp2(options)
    expectSafeToRepeat(result)
  })
})
