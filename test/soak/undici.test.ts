import { fileURLToPath } from 'node:url'
import { cert } from '@socket-port/testkit/fixed-certificate'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { fetchNode } from '../src/nodes.ts'
import { startUndici, UNDICI_NODE, type UndiciOptions } from '../src/undici-clients.ts'
import { HTTP2_SERVER, reloadUnder, type ServerReloads } from '../suites/load/http2-reloads.ts'

beforeAll(() => fetchNode(UNDICI_NODE))
afterEach(endProcesses)

const HTTP1_SERVER = fileURLToPath(new URL('../fixtures/core-serve.mjs', import.meta.url))

/** Reloads a server under clients of undici. */
function reload(kind: UndiciOptions['kind'], rtt: number, options: Partial<ServerReloads> = {}) {
  const tls = kind === 'h2'
  const server = kind === 'http1' ? HTTP1_SERVER : HTTP2_SERVER
  return reloadUnder({ server, tls, reloads: 2, ...options }, (port) =>
    startUndici({ port, kind, rtt, ...(tls && { ca: cert }) }),
  )
}

it.each([
  ['http1', 0],
  ['http1', 20],
  ['h2c', 0],
  ['h2c', 20],
  ['h2', 0],
  ['h2', 20],
] as const)(
  'undici, %s, round trip %d ms: 0 failed',
  async (kind, rtt) => {
    const { failures, requests } = await reload(kind, rtt)
    expect(failures).toEqual([])
    expect(requests).toBeGreaterThan(100)
  },
  120_000,
)

it.each([
  // Answered after a pause, each request is with the server for most of the time.
  ['http1', 100],
  ['h2c', 5],
  ['h2', 5],
] as const)(
  'negative control: undici, %s, loses requests of a server without a drain',
  async (kind, serviceMs) => {
    await untilLost(async () => {
      const { failures } = await reload(kind, 20, { reloads: 1, close: 'plain', serviceMs })
      return { failed: failures.length }
    })
  },
  120_000,
)
