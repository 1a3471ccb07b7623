import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SOCKET_PORT } from '@socket-port/testkit/command'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { untilGone } from '@socket-port/testkit/until-gone'
import { onTestFinished } from 'vitest'
import type { StrictClients } from '../../src/strict-clients.ts'
import type { App, AppOptions, HandoverBox } from '../handover/box.ts'
import type { ReloadResult } from '../load/http2-reloads.ts'

/** How systemd replaces a process. */
export const WAYS = ['restart', 'reload'] as const
export type Way = (typeof WAYS)[number]

export interface Replacing {
  /** `reload` is that of `socket-port run`. */
  way: Way
  /** Arguments of Node, with paths of the box. */
  server: readonly string[]
  tls: boolean
  /** @default 1 */
  times?: number
  env?: Readonly<Record<string, string>>
}

let names = 0

/** Starts a socket-activated server, alone or under `socket-port run`. */
export async function startReplaceable(
  box: HandoverBox,
  { way, server, tls, env }: Omit<Replacing, 'times'>,
): Promise<App> {
  const node = pathInBox(process.execPath)
  const program = [node, ...server]
  // Several may run in one box.
  const name = `replaceable-${++names}`
  const options: AppOptions =
    way === 'restart'
      ? { command: program }
      : {
          command: [node, pathInBox(SOCKET_PORT), 'run', '--name', name, '--', ...program],
          lines: await box.linesOfRun(),
        }
  return box.start({ ...options, env: { ...(tls && { KEY: key, CERT: cert }), ...env } })
}

/** Replaces the process that serves; resolves when the old one has ended. */
export async function replace(app: App, way: Way): Promise<void> {
  if (way === 'restart') return app.restart()
  const { systemd, unit } = app
  const main = systemd.hostPid(await app.pid())
  const served = (await systemd.processesOf(unit)).filter((pid) => pid !== main)
  await systemd.reload(unit)
  await Promise.all(served.map(untilGone))
}

/** Replaces a server again and again while strict clients ask it. */
export async function replaceUnder<Failure>(
  box: HandoverBox,
  { times = 1, way, env, ...replacing }: Replacing,
  startClients: (port: number) => Promise<StrictClients<Failure>>,
): Promise<ReloadResult<Failure>> {
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-handled-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'handled')
  writeFileSync(file, '')
  const app = await startReplaceable(box, { ...replacing, way, env: { HANDLED: file, ...env } })
  const clients = await startClients(app.port)
  for (let count = 1; count <= times; count += 1) {
    await replace(app, way)
    if (count < times) await clients.more(200)
  }
  const { requests, failures } = await clients.stop()
  return { requests, failures, handled: readFileSync(file, 'utf8').split('\n').slice(0, -1) }
}

/** Resolves with all results, or rejects when the last of them has ended: what goes on after its test would disturb the next. */
export async function together<Result>(running: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(running)
  return Promise.all(running)
}
