import { fileURLToPath } from 'node:url'
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

  it('without TLS every request that was sent is answered, until its sessions have ended', async () => {
    const { total, started, succeeded, handled } = await reload('h2c', 20_000)
    expect(started).toBeLessThan(total)
    expect(succeeded).toBe(started)
    expect(handled).toBe(started)
  })

  it('with TLS every request that was handled is answered', async () => {
    const { total, started, succeeded, handled } = await reload('h2', 20_000)
    expect(started).toBeLessThan(total)
    expect(succeeded).toBe(handled)
  })

  it('over HTTP/1.1 every request is answered', async () => {
    const { total, succeeded } = await reload('http1', 2_000)
    expect(succeeded).toBe(total)
  })

  it.each(['h2c', 'h2'] as const)(
    'negative control: Node’s own close cuts requests that were handled, %s',
    async (kind) => {
      const { succeeded, handled } = await reload(kind, 4_000, CLOSES)
      expect(succeeded).toBeLessThan(handled)
    },
  )

  it('negative control: a server without a drain loses requests over HTTP/1.1', async () => {
    const { total, succeeded } = await reload('http1', 2_000, CLOSES)
    expect(succeeded).toBeLessThan(total)
  })
})
