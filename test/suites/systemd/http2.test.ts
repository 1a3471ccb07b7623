import { cert } from '@socket-port/testkit/fixed-certificate'
import { Http2Load } from '@socket-port/testkit/http2-load'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { expect, it } from 'vitest'
import { describeHandover } from '../handover/box.ts'
import { expectSafeToRepeat, HTTP2_SERVER } from '../load/http2-reloads.ts'
import { type Replacing, replaceUnder, WAYS } from './replacing.ts'

interface UnderLoad extends Omit<Replacing, 'server'> {
  /** @default 4 */
  streams?: number
}

await describeHandover('HTTP/2', (box) => {
  /** What strict clients, 20 ms away, see of a socket-activated server that is replaced by systemd. */
  const replaceUnderLoad = ({ streams = 4, times = 3, ...replacing }: UnderLoad) =>
    replaceUnder(box, { server: [pathInBox(HTTP2_SERVER)], times, ...replacing }, (port) =>
      Http2Load.start({ port, streams, rtt: 20, ...(replacing.tls && { ca: cert }) }),
    )

  it.each(WAYS)(
    'systemctl %s under clients without TLS that ask for one thing at a time: 0 failed',
    async (way) => {
      const { failures } = await replaceUnderLoad({ way, tls: false, streams: 1 })
      expect(failures).toEqual([])
    },
  )

  it.each(WAYS.flatMap((way) => [false, true].map((tls) => [way, tls] as const)))(
    'systemctl %s under clients with four requests at a time: what is refused was not handled (TLS: %s)',
    async (way, tls) => {
      expectSafeToRepeat(await replaceUnderLoad({ way, tls }))
    },
  )

  it.each([false, true])(
    'negative control: Node’s own close loses requests (TLS: %s)',
    async (tls) => {
      const env = { CLOSE: 'plain' }
      await untilLost(async () => {
        const { failures } = await replaceUnderLoad({ way: 'restart', tls, times: 1, env })
        return { failed: failures.filter(({ refused }) => !refused).length }
      })
    },
  )
})
