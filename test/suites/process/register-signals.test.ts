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
    { OWN: 'cleans' },
    { OWN: 'caught,throws' },
    { LATER: 'closes' },
    { OWN: 'says,ends' },
    { OWN: 'cleans,ends' },
    { OWN: 'awaits' },
    { LATER: 'signal-exit' },
  ])('%j: no request is lost, and its end is its own', async (kind) => {
    await expectOwnEnd(kind)
  })
})

const UPGRADE = get('/', 'Connection: Upgrade', 'Upgrade: a')

describe('the listeners of the program run before the drain is over', () => {
  it('once only upgraded connections are left', async () => {
    const started = await start({ OWN: 'leaves', NODE_DEBUG: 'socket-port' })
    const [endless, held, idle] = [await started.open(), await started.open(), await started.open()]
    endless.send(UPGRADE)
    held.send(get('/hold'))
    await endless.receive(/open$/)
    const end = endOf(started)
    await drains(started)
    idle.send(get('/release'))
    await held.receive(/held$/)
    await endless.receive(/bye/)
    endless.close()
    expect(await end).toMatchObject({ code: 9 })
  })

  it('but after event streams, which end as in every drain', async () => {
    const started = await start({ OWN: 'leaves' })
    const stream = await started.open()
    stream.send(get('/events'))
    await stream.receive(/data: 1\n\n\r\n$/)
    const end = endOf(started)
    expect(await stream.receive(/\r\n\r\n$/)).toBe('0\r\n\r\n')
    expect(await end).toMatchObject({ code: 9 })
  })

  it('at the deadline', async () => {
    const env = { OWN: 'cleans', SOCKET_PORT_REGISTER_DRAIN_TIMEOUT: '50' }
    const started = await start(env)
    const held = await started.open()
    held.send(get('/hold'))
    expect(await endOf(started)).toMatchObject({ code: 5, said: 'cleaned\n' })
    expect(started.process.stderr).toMatch(/1 connection cut/)
  })

  it('at a second signal', async () => {
    const started = await start({ OWN: 'exits', NODE_DEBUG: 'socket-port' })
    const held = await started.open()
    held.send(get('/hold'))
    const end = endOf(started)
    await drains(started)
    const impatience = setInterval(() => started.process.signal('SIGTERM'), 10)
    expect(await end).toMatchObject({ code: 3 })
    clearInterval(impatience)
  })

  it('at a second signal, which then does what it does without listeners', async () => {
    const started = await start({ OWN: 'never', NODE_DEBUG: 'socket-port' })
    const held = await started.open()
    held.send(get('/hold'))
    const end = endOf(started)
    await drains(started)
    const impatience = setInterval(() => started.process.signal('SIGINT'), 10)
    expect(await end).toMatchObject({ code: null, signal: 'SIGINT', said: 'never\n' })
    clearInterval(impatience)
  })
})

describe('without a listener of the program', () => {
  it('the process ends by itself, with 0', async () => {
    const started = await start({})
    expect(await endOf(started)).toMatchObject({ code: 0, said: '' })
  })

  it('a second signal ends it at once, with 1', async () => {
    const started = await start({ NODE_DEBUG: 'socket-port' })
    const held = await started.open()
    held.send(get('/hold'))
    const end = endOf(started)
    await drains(started)
    const impatience = setInterval(() => started.process.signal('SIGTERM'), 10)
    expect(await end).toMatchObject({ code: 1, signal: null })
    clearInterval(impatience)
    expect(started.process.stderr).toMatch(/SIGTERM after SIGTERM: ending at once, 1 connection/)
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
