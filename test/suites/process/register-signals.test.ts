import { endProcesses } from '@socket-port/testkit/processes'
import { get } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'
import { drains, endOf, expectOwnEnd, start } from './own-signals.ts'

afterEach(endProcesses)

// More kinds are tested in ../handover/register.test.ts, which takes longer.
describe('what the program does at SIGTERM', () => {
  it.each([
    { OWN: 'exits' },
    { OWN: 'cleans' },
    { OWN: 'throws' },
    { LATER: 'closes' },
    { OWN: 'cleans,ends' },
    { OWN: 'awaits' },
    { LATER: 'signal-exit' },
    { OWN: 'catches' },
  ])('%j: no request is lost, and its end is its own', async (kind) => {
    await expectOwnEnd(kind)
  })
})

it.each([
  ['removes-all', 'SIGTERM'],
  ['removes-everything', 'SIGTERM'],
  ['removes-everything', 'SIGUSR2'],
] as const)('drains although the program has no listener left: %s, %s', async (kind, signal) => {
  const env = { SOCKET_PORT_RESTART_SIGNAL: 'SIGUSR2', NODE_DEBUG: 'socket-port' }
  const started = await start({ LATER: kind, ...env })
  const [held, idle] = [await started.open(), await started.open()]
  held.send(get('/hold'))
  idle.send(get('/'))
  await idle.receive(/ok$/)
  const end = endOf(started, signal)
  await Promise.race([drains(started), end])
  idle.send(get('/release'))
  await held.receive(/held$/)
  expect(await end).toMatchObject({ code: 0, signal: null, printed: '' })
})

it("at the signal of a unit's restart the program hears SIGTERM alone, after the drain", async () => {
  const env = { SOCKET_PORT_RESTART_SIGNAL: 'SIGUSR2', NODE_DEBUG: 'socket-port' }
  const started = await start({ OWN: 'usr2,cleans', ...env })
  const [held, idle] = [await started.open(), await started.open()]
  held.send(get('/hold'))
  idle.send(get('/'))
  await idle.receive(/ok$/)
  started.process.signal('SIGUSR2')
  await drains(started)
  idle.send(get('/release'))
  await held.receive(/held$/)
  expect(await started.process.exit).toMatchObject({ code: 5, signal: null })
  expect(started.process.stdout).toMatch(/cleaned\n$/)
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
    const [held, other] = [await started.open(), await started.open()]
    held.send(get('/hold'))
    other.send(get('/', 'Connection: close'))
    await other.closed
    expect(await endOf(started)).toMatchObject({ code: 5, printed: 'cleaned\n' })
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
    expect(await end).toMatchObject({ code: null, signal: 'SIGINT', printed: 'never\n' })
    clearInterval(impatience)
  })
})

describe('without a listener of the program', () => {
  it('the process ends by itself, with 0', async () => {
    const started = await start({})
    expect(await endOf(started)).toMatchObject({ code: 0, printed: '' })
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
