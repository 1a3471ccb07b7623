import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { type Exit, type Generation, startGeneration } from '@socket-port/testkit/generation'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'

afterEach(endProcesses)

const PRELOAD = new URL('../../../packages/core/dist/register.cjs', import.meta.url).pathname
const script = new URL('../../fixtures/plain-own.mjs', import.meta.url).pathname

type Env = Readonly<Record<string, string>>

interface Started {
  process: Generation
  open(): Promise<RawConnection>
}

async function start(env: Env, preload = true): Promise<Started> {
  const command = [process.execPath, ...(preload ? ['--require', PRELOAD] : []), script]
  const started = startGeneration({ command, env: { PORT: String(freePort()), ...env } })
  const { port = 0 } = await started.ready()
  return { process: started, open: () => RawConnection.open(port) }
}

interface End extends Pick<Exit, 'code' | 'signal'> {
  said: string
  error: string
}

/** How the process ends, and what it prints from now on. */
async function endOf({ process }: Started): Promise<End> {
  const before = process.stdout.length
  process.signal('SIGTERM')
  const { code, signal } = await process.exit
  const [error = ''] = process.stderr.match(/^Error: .*/m) ?? []
  return { code, signal, said: process.stdout.slice(before), error }
}

// More kinds are tested in ../handover/register.test.ts, which takes longer.
describe('what the program does at SIGTERM', () => {
  it.each([
    { OWN: 'exits' },
    { OWN: 'cuts' },
    { OWN: 'cleans' },
    { OWN: 'caught,throws' },
    { LATER: 'closes' },
    { LATER: 'signal-exit' },
  ])('%j: no request is lost, and its end is its own', async (kind) => {
    await expectOwnEnd(kind)
  })
})

/** Expects that the process, with a request in flight, answers it and then ends as it does without the preload. */
async function expectOwnEnd(kind: Env): Promise<void> {
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

async function drains({ process }: Started): Promise<void> {
  while (!/SIGTERM: draining/.test(process.stderr))
    await once(process.child.stderr as Readable, 'data')
}
