import { fileURLToPath } from 'node:url'
import {
  type Supervised,
  type SupervisedStatus,
  startSupervised,
} from '@socket-port/testkit/supervised'
import type { WebSocketLoad } from './load.ts'

export const FIXTURE: string = fileURLToPath(
  new URL('../../fixtures/web-sockets.mjs', import.meta.url),
)

/** Options of its WebSocketServer with which what a client has compressed may go over. */
export const COMPRESSES: string = JSON.stringify({
  perMessageDeflate: { threshold: 0, clientNoContextTakeover: true },
})

/** Starts the fixture under `socket-port run`. The caller disposes of it. */
export async function startWebSockets(
  env: Readonly<Record<string, string>> = {},
): Promise<{ supervised: Supervised; port: number }> {
  const supervised = startSupervised({ command: [process.execPath, FIXTURE], env })
  await supervised.printed(/generation 1 is ready/)
  return { supervised, port: await supervised.port() }
}

/** The pid of the newest process. */
export async function serverOf(supervised: Supervised): Promise<number> {
  const { generations } = await supervised.status()
  const pid = generations[0]?.workers[0]?.pid
  if (pid === undefined) throw new Error('no process serves')
  return pid
}

/** Reloads, and waits until the next process has answered each client. Returns its pid. */
export async function reloadUntilServed(
  supervised: Supervised,
  loads: readonly WebSocketLoad[],
): Promise<number> {
  const { code, stderr } = await supervised.ask('reload')
  if (code !== 0) throw new Error(`reload: ${code}: ${stderr}`)
  const pid = await serverOf(supervised)
  await Promise.all(loads.map((load) => load.servedBy(pid)))
  return pid
}

/** A process reports what it did with its connections when it ends. */
export const untilOldOnesEnded = (supervised: Supervised): Promise<SupervisedStatus> =>
  supervised.until(({ generations }) => generations.length === 1)
