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

const KINDS = [
  'exits',
  'cuts',
  'closes',
  'cleans',
  'throws',
  'caught,throws',
  'raises',
  'code',
  'first,exits',
  'exits,first',
  'removed,closes',
  'says,ends',
  'signal-exit',
  'signal-exit3',
  'signal-exit,signal-exit3,cleans',
]

describe.each(['OWN', 'LATER'])('what the program does at SIGTERM, %s', (when) => {
  it.each(KINDS)('%s: no request is lost, and its end is its own', async (kind) => {
    const alone = await endOf(await start({ [when]: kind }, false))
    const started = await start({ [when]: kind, NODE_DEBUG: 'socket-port' })
    const [held, idle] = [await started.open(), await started.open()]
    held.send(get('/hold'))
    idle.send(get('/'))
    await idle.receive(/ok$/)
    const end = endOf(started)
    await drains(started)
    idle.send(get('/release'))
    expect(await idle.receive(/ok$/)).toMatch(/connection: close/i)
    expect(await held.receive(/held$/)).toMatch(/connection: close/i)
    expect(await end).toEqual(alone)
  })
})

async function drains({ process }: Started): Promise<void> {
  while (!/SIGTERM: draining/.test(process.stderr)) await once(process.child.stderr as Readable, 'data')
}
