import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
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

export const HTTP2_SERVER: string = fileURLToPath(
  new URL('../../fixtures/core-http2.mjs', import.meta.url),
)

export interface Http2Reloads extends Omit<Http2LoadOptions, 'port' | 'ca'> {
  tls: boolean
  reloads: number
  /** How the server ends without `serve`, for controls. */
  close?: 'at-once' | 'plain'
  /** What the server takes for each request, in milliseconds. @default 5 */
  serviceMs?: number
}

export interface Http2Result {
  readonly requests: number
  readonly failures: readonly Http2Failure[]
  /** The ids that the program was given. */
  readonly handled: ReadonlySet<string>
}

/** Reloads an HTTP/2 server under `socket-port run` while strict clients ask it. */
export async function reloadHttp2(options: Http2Reloads): Promise<Http2Result> {
  const { tls, reloads, close, serviceMs = 5, ...load } = options
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-http2-'))
  const file = join(folder, 'handled')
  const supervised = startSupervised({
    command: [process.execPath, HTTP2_SERVER],
    env: {
      HANDLED: file,
      SERVICE_MS: String(serviceMs),
      ...(tls && { KEY: key, CERT: cert }),
      ...(close !== undefined && { CLOSE: close }),
    },
  })
  try {
    await supervised.printed(/generation 1 is ready/)
    const port = await supervised.port()
    const clients = await Http2Load.start({ port, ...(tls && { ca: cert }), ...load })
    for (let reload = 0; reload < reloads; reload += 1) {
      expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
      // The old process has ended: all sessions have left it.
      await supervised.until(({ generations }) => generations.length === 1)
    }
    await clients.stop()
    const handled = new Set(readFileSync(file, 'utf8').split('\n'))
    return { requests: clients.requests, failures: clients.failures, handled }
  } finally {
    await supervised.dispose()
    rmSync(folder, { recursive: true })
  }
}

/** Each failed request was refused, and the program has not seen it: the client may send it again. */
export function expectSafeToRepeat({ failures, handled }: Http2Result): void {
  expect(failures.filter(({ refused }) => !refused)).toEqual([])
  expect(failures.filter(({ id }) => handled.has(id))).toEqual([])
}
