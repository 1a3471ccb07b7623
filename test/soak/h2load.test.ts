import { fileURLToPath } from 'node:url'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { endProcesses } from '@socket-port/testkit/processes'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import { type H2loadCounts, type H2loadOptions, h2loadClients } from '../src/h2load.ts'
import { HTTP2_SERVER, reloadUnder, type ServerReloads } from '../suites/load/http2-reloads.ts'

afterEach(endProcesses)

const HTTP1_SERVER = fileURLToPath(new URL('../fixtures/core-serve.mjs', import.meta.url))

// Answered after a pause, each request is with the server for most of the time.
const CLOSES = { close: 'plain', serviceMs: 100 } as const

describe(...requireOrSkip('h2load', commandSkipReason('h2load')), () => {
  /** Reloads a server under h2load. Resolves with what h2load has counted, and how many requests the program was given. */
  async function reload(
    kind: H2loadOptions['kind'],
    total: number,
    options: Partial<ServerReloads> = {},
  ): Promise<H2loadCounts & { handled: number }> {
    const server = kind === 'http1' ? HTTP1_SERVER : HTTP2_SERVER
    const clients = h2loadClients({ kind, rtt: 20, total })
    const reloads = { server, tls: kind === 'h2', reloads: 1, ...options }
    const { handled } = await reloadUnder(reloads, clients.start)
    return { ...clients.counts(), handled: handled.length }
  }

  // A request that h2load began when it read the GOAWAY counts as started, but was not sent.
  it.each(['h2c', 'h2'] as const)(
    'over %s every request that was handled is answered',
    async (kind) => {
      // Again if h2load had sent all its requests before GOAWAY came.
      let counts = await reload(kind, 20_000)
      while (counts.started === counts.total) counts = await reload(kind, 20_000)
      expect(counts.succeeded).toBe(counts.handled)
    },
  )

  it('over HTTP/1.1 every request is answered', async () => {
    const { total, succeeded } = await reload('http1', 2_000)
    expect(succeeded).toBe(total)
  })

  it.each(['h2c', 'h2'] as const)(
    'negative control: Node’s own close cuts requests that were handled, %s',
    async (kind) => {
      await untilLost(async () => {
        const { succeeded, handled } = await reload(kind, 4_000, CLOSES)
        return { failed: handled - succeeded }
      })
    },
  )

  it('negative control: a server without a drain loses requests over HTTP/1.1', async () => {
    await untilLost(async () => {
      const { total, succeeded } = await reload('http1', 2_000, CLOSES)
      return { failed: total - succeeded }
    })
  })
})
