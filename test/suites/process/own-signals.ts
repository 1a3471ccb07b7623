import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { type Exit, type Generation, startGeneration } from '@socket-port/testkit/generation'
import { freePort } from '@socket-port/testkit/native'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { expect } from 'vitest'

const PRELOAD = new URL('../../../packages/core/dist/register.cjs', import.meta.url).pathname
const script = new URL('../../fixtures/plain-own.mjs', import.meta.url).pathname

/** OWN and LATER of the fixture, and the variables of the preload. */
type Env = Readonly<Record<string, string>>

export interface Started {
  process: Generation
  open(): Promise<RawConnection>
}

/** Starts the program with the preload, or without it. */
export async function start(env: Env, preload = true): Promise<Started> {
  const command = [process.execPath, ...(preload ? ['--require', PRELOAD] : []), script]
  const own = { PORT: String(freePort()), ...(preload && { PRELOADED: '1' }) }
  const started = startGeneration({ command, env: { ...own, ...env } })
  const { port = 0 } = await started.ready()
  return { process: started, open: () => RawConnection.open(port) }
}

export interface End extends Pick<Exit, 'code' | 'signal'> {
  printed: string
  error: string
}

/** How the process ends, and what it prints from now on. */
export async function endOf(
  { process }: Started,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<End> {
  const before = process.stdout.length
  process.signal(signal)
  const exit = await process.exit
  const [error = ''] = process.stderr.match(/^Error: .*/m) ?? []
  return { code: exit.code, signal: exit.signal, printed: process.stdout.slice(before), error }
}

/** Expects that the process, with a request in flight, answers it and then ends as it does without the preload. */
export async function expectOwnEnd(kind: Env): Promise<void> {
  const alone = start(kind, false).then(endOf)
  const started = await start({ ...kind, NODE_DEBUG: 'socket-port' })
  const [held, idle] = [await started.open(), await started.open()]
  held.send(get('/hold'))
  idle.send(get('/'))
  await idle.receive(/ok$/)
  const end = endOf(started)
  await drains(started)
  idle.send(get('/release'))
  expect(await idle.receive(/ok$/)).toMatch(/connection: close/i)
  expect(await held.receive(/held$/)).toMatch(/connection: close/i)
  expect(await end).toEqual(await alone)
}

/** Resolves when the drain has begun; with NODE_DEBUG=socket-port. */
export async function drains({ process }: Started): Promise<void> {
  while (!/SIGTERM: draining/.test(process.stderr))
    await once(process.child.stderr as Readable, 'data')
}
