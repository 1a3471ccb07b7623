import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Load, startLoad } from '@socket-port/testkit/load/load'
import type { LoadOptions } from '@socket-port/testkit/load/options'
import type { LoadResult } from '@socket-port/testkit/load/result'
import { endProcesses } from '@socket-port/testkit/processes'
import {
  Releases,
  type Supervised,
  type SupervisedOptions,
  startSupervised,
} from '@socket-port/testkit/supervised'
import { isRunning } from '@socket-port/testkit/until-gone'
import { afterEach, expect } from 'vitest'

export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))

export const SERVER: string = fixture('cli-server.mjs')

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await endProcesses()
})

/** Has something done after the test, the newest first. */
export const afterTest = (cleanup: () => unknown): void => void cleanups.push(cleanup)

/** Starts `socket-port run`, with the server of these suites unless another command is given. */
export function supervise(options: Partial<SupervisedOptions> = {}): Supervised {
  const supervised = startSupervised({ command: [process.execPath, SERVER], ...options })
  afterTest(() => supervised.dispose())
  return supervised
}

/** The same, and waits until the first generation serves. */
export async function start(options: Partial<SupervisedOptions> = {}): Promise<Supervised> {
  const supervised = supervise(options)
  await supervised.printed(/generation 1(, worker \d+)? is ready/)
  return supervised
}

export function newReleases(): Releases {
  const releases = new Releases()
  afterTest(() => releases.dispose())
  return releases
}

export interface Who {
  pid: number
  release: string
  generation: string
  worker: string
}

/** Who serves a new connection. */
export async function who(port: number): Promise<Who> {
  return (await (await fetch(`http://127.0.0.1:${port}/who`)).json()) as Who
}

export const pidsOf = async (supervised: Supervised): Promise<number[]> =>
  (await supervised.status()).generations.flatMap(({ workers }) => workers.map(({ pid }) => pid))

/** Acts under load; the load has made a round before, and makes one after. */
export async function underLoad(
  port: number,
  act: (load: Load) => Promise<unknown>,
  options: Partial<LoadOptions> = {},
): Promise<LoadResult> {
  const load = await startLoad({
    target: { port },
    clients: 30,
    method: 'mixed',
    connection: 'mixed',
    think: [0, 20],
    ...options,
  })
  afterTest(() => load.dispose())
  await load.oneRequestEach()
  await act(load)
  await load.oneRequestEach()
  return load.stop()
}

export function expectNothingLost({ failures, failed, requests }: LoadResult): void {
  expect(failures).toEqual([])
  expect(failed).toBe(0)
  expect(requests).toBeGreaterThan(0)
}

/** Begins a request that is answered until its last bytes have come. */
export async function startUpload(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nfirst')
  let answer = ''
  for await (const text of socket.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    answer += text
    if (answer.includes('first')) break
  }
  return socket.resume()
}

/** Sends the rest of the upload; resolves with the answer when the connection is closed. */
export async function finishUpload(upload: Socket): Promise<string> {
  let answer = ''
  upload.on('data', (data) => {
    answer += data
  })
  upload.end('rest')
  await once(upload, 'close')
  return answer
}

/** Ends in order, and leaves nothing behind. */
export async function expectStops(supervised: Supervised, code = 0): Promise<void> {
  const pids = await pidsOf(supervised)
  supervised.generation.signal('SIGTERM')
  expect(await supervised.generation.exit).toMatchObject({ code, signal: null })
  expect(pids.filter(isRunning)).toEqual([])
}

/** Resolves when nothing drains any more. */
export async function untilDrained(supervised: Supervised): Promise<void> {
  await supervised.until(({ generations }) => generations.length === 1)
}

/** Resolves when the only process reports this status. */
export async function untilStatus(supervised: Supervised, status: RegExp): Promise<void> {
  await supervised.until(({ generations }) => status.test(generations[0]?.workers[0]?.status ?? ''))
}

/** How many descriptors the supervisor has open once a single process is left. */
export async function openFds(supervised: Supervised): Promise<number> {
  await untilDrained(supervised)
  return supervised.openFds()
}
