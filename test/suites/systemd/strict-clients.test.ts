import { fileURLToPath } from 'node:url'
import { cert } from '@socket-port/testkit/fixed-certificate'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { beforeAll, describe, expect, it } from 'vitest'
import { h2loadClients } from '../../src/h2load.ts'
import { fetchNode } from '../../src/nodes.ts'
import { startUndici, UNDICI_NODE } from '../../src/undici-clients.ts'
import { describeHandover } from '../handover/box.ts'
import { HTTP2_SERVER } from '../load/http2-reloads.ts'
import { type Replacing, replaceUnder, together, WAYS } from './replacing.ts'

// test/soak has the same under `socket-port run`.
const HTTP1_SERVER = fileURLToPath(new URL('../../fixtures/core-serve.mjs', import.meta.url))
const KINDS = ['http1', 'h2c', 'h2'] as const
type Kind = (typeof KINDS)[number]

/** Two of the 20 restarts that CI asks for: clients need seconds to leave an HTTP/2 server. */
const TIMES = Math.ceil(Number(process.env.SOCKET_PORT_RESTARTS ?? 5) / 10)
const RTT = 20

const serverOf = (kind: Kind) => ({
  server: [pathInBox(kind === 'http1' ? HTTP1_SERVER : HTTP2_SERVER)],
  tls: kind === 'h2',
})

// Answered after a pause, each request is with the server for most of the time.
const PLAIN = { way: 'restart', env: { CLOSE: 'plain', SERVICE_MS: '100' } } as const
type Options = Pick<Replacing, 'way' | 'env' | 'times'>

beforeAll(() => fetchNode(UNDICI_NODE))

await describeHandover('strict clients', (box) => {
  describe('undici', () => {
    const replace = (kind: Kind, options: Options) =>
      replaceUnder(box, { ...serverOf(kind), ...options }, (port) =>
        startUndici({ port, kind, rtt: RTT, ...(kind === 'h2' && { ca: cert }) }),
      )

    it.each(WAYS)('systemctl %s under undici: 0 failed', async (way) => {
      const results = await together(KINDS.map((kind) => replace(kind, { way, times: TIMES })))
      expect(results.flatMap(({ failures }) => failures)).toEqual([])
      for (const { requests } of results) expect(requests).toBeGreaterThan(10)
    })

    it('negative control: without a drain undici loses requests', async () => {
      const lose = (kind: Kind) =>
        untilLost(async () => ({ failed: (await replace(kind, PLAIN)).failures.length }))
      await together(KINDS.map(lose))
    })
  })

  describe(...requireOrSkip('h2load', commandSkipReason('h2load')), () => {
    async function replace(kind: Kind, total: number, options: Options) {
      const clients = h2loadClients({ kind, rtt: RTT, total })
      const replacing = { ...serverOf(kind), ...options }
      const { handled } = await replaceUnder(box, replacing, clients.start)
      return { ...clients.counts(), handled: handled.length }
    }

    /** The same over HTTP/2: again if h2load had sent all its requests before GOAWAY came. */
    async function replaceHttp2(kind: 'h2c' | 'h2', options: Options) {
      for (;;) {
        const counts = await replace(kind, 10_000, options)
        if (counts.started < counts.total) return counts
      }
    }

    it.each(WAYS)('systemctl %s under h2load: what was handled is answered', async (way) => {
      const [http1, ...http2] = await together([
        replace('http1', 1_000, { way }),
        replaceHttp2('h2c', { way }),
        replaceHttp2('h2', { way }),
      ])
      expect(http1?.succeeded).toBe(http1?.total)
      for (const { succeeded, handled } of http2) expect(succeeded).toBe(handled)
    })

    it('negative control: without a drain h2load loses requests', async () => {
      const lose = (kind: Kind) =>
        untilLost(async () => {
          const { total, succeeded, handled } = await replace(kind, 1_000, PLAIN)
          return { failed: (kind === 'http1' ? total : handled) - succeeded }
        })
      await together(KINDS.map(lose))
    })
  })
})
