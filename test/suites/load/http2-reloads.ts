import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import {
  type Http2Failure,
  Http2Load,
  type Http2LoadOptions,
} from '@socket-port/testkit/http2-load'
import { startSupervised } from '@socket-port/testkit/supervised'
import { expect } from 'vitest'
import type { StrictClients } from '../../src/strict-clients.ts'

export const HTTP2_SERVER: string = fileURLToPath(
  new URL('../../fixtures/core-http2.mjs', import.meta.url),
)

export interface ServerReloads {
  /** Its script. @default HTTP2_SERVER */
  server?: string
  tls?: boolean
  reloads: number
  /** How the server ends without `serve`, for controls. */
  close?: 'at-once' | 'plain'
  /** What the server takes for each request, in milliseconds. @default 5 */
  serviceMs?: number
}

export interface ReloadResult<Failure> {
  readonly requests: number
  readonly failures: readonly Failure[]
  /** The ids that HTTP2_SERVER was given, in their order. */
  readonly handled: readonly string[]
}

/** Reloads a server under `socket-port run` while strict clients ask it. */
export async function reloadUnder<Failure>(
  { server = HTTP2_SERVER, tls = false, reloads, close, serviceMs = 5 }: ServerReloads,
  startClients: (port: number) => Promise<StrictClients<Failure>>,
): Promise<ReloadResult<Failure>> {
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-http2-'))
  const file = join(folder, 'handled')
  writeFileSync(file, '')
  const supervised = startSupervised({
    command: [process.execPath, server],
    env: {
      HANDLED: file,
      SERVICE_MS: String(serviceMs),
      ...(tls && { KEY: key, CERT: cert }),
      ...(close !== undefined && { CLOSE: close }),
    },
  })
  try {
    await supervised.printed(/generation 1 is ready/)
    const clients = await startClients(await supervised.port())
    for (let reload = 0; reload < reloads; reload += 1) {
      expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
      // The old process has ended: all sessions have left it.
      await supervised.until(({ generations }) => generations.length === 1)
    }
    const { requests, failures } = await clients.stop()
    return { requests, failures, handled: readFileSync(file, 'utf8').split('\n').slice(0, -1) }
  } finally {
    await supervised.dispose()
    rmSync(folder, { recursive: true })
  }
}

type Http2Reloads = ServerReloads & Omit<Http2LoadOptions, 'port' | 'ca'>
type Http2Result = ReloadResult<Http2Failure>

/** The same with clients of `node:http2`. */
export async function reloadHttp2({
  tls = false,
  reloads,
  close,
  serviceMs,
  ...load
}: Http2Reloads): Promise<Http2Result> {
  const options = {
    tls,
    reloads,
    ...(close && { close }),
    ...(serviceMs !== undefined && { serviceMs }),
  }
  return reloadUnder(options, (port) =>
    Http2Load.start({ port, ...(tls && { ca: cert }), ...load }),
  )
}

/**
 * Each failed request was refused, and the program has not seen it: the client may send it again. Without TLS a client of
 * node:http2 with several requests at a time refuses one itself, very seldom (docs/drain.md, "HTTP/2").
 */
export function expectSafeToRepeat({
  failures,
  handled,
}: Pick<Http2Result, 'failures' | 'handled'>): void {
  const ids = new Set(handled)
  expect(failures.filter(({ refused }) => !refused)).toEqual([])
  expect(failures.filter(({ id }) => ids.has(id))).toEqual([])
}
