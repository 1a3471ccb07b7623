import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it, vi } from 'vitest'
import type { Holder } from '../proc/holders.ts'
import { lsofSystem } from '../proc/lsof.ts'
import type { Listener, PortUse, System } from '../proc/system.ts'
import { type FreeJob, freePort } from './free.ts'
import { systemOf } from './system-of.ts'

// Only a limit for a test that hangs: on a busy machine it takes seconds to start a few processes.
vi.setConfig({ testTimeout: 30_000 })

const uid = process.getuid?.() ?? -1
const holder: Holder = { pid: 4_000_000, command: 'app', uid, startTime: '7', sockets: ['a'] }
const held: PortUse = { listeners: [{ socket: 'a', uid }], holders: [holder] }
const free: PortUse = { listeners: [], holders: [] }

/** A system on which `uses` follow one another with each signal. */
function fake(uses: PortUse[], overrides: Partial<System> = {}): System & { sent: string[] } {
  const sent: string[] = []
  const now = () => uses[Math.min(sent.length, uses.length - 1)] ?? free
  return {
    sent,
    listeners: async () => [...now().listeners],
    look: async () => now(),
    ancestors: async () => [],
    isElsewhere: () => false,
    activator: () => undefined,
    startTime: async () => '7',
    signal: (pid, name) => void sent.push(`${name} ${pid}`),
    ...overrides,
  }
}

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }

const everywhere = { address: undefined, ipv6Only: false }

const job = (system: System): FreeJob => ({
  place: everywhere,
  probe: async () => ((await system.listeners(8080)).length > 0 ? 'busy' : 'free'),
  port: 8080,
  timeout: 0,
  grace: 0,
  signal: undefined,
  logger,
  system,
})

describe('freePort', () => {
  it('sends SIGTERM, then SIGKILL', async () => {
    const system = fake([held, held, free])
    expect(await freePort(job(system))).toEqual([holder])
    expect(system.sent).toEqual(['SIGTERM 4000000', 'SIGKILL 4000000'])
  })

  it('asks once before the first signal, about all processes that would get one', async () => {
    const system = fake([held, held, free])
    const confirm = vi.fn(async () => system.sent.length === 0)
    await freePort({ ...job(system), confirm })
    expect(confirm.mock.calls).toEqual([[[holder]]])
    expect(system.sent).toEqual(['SIGTERM 4000000', 'SIGKILL 4000000'])
  })

  it('signals no process when the answer is no', async () => {
    const system = fake([held])
    const attempt = freePort({ ...job(system), confirm: () => false })
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_KILL_REFUSED' })
    await expect(attempt).rejects.toThrow(/held by pid 4000000 \(app\)\. No process was signalled/)
    expect(system.sent).toEqual([])
  })

  it('does not ask if a rule refuses, nor about a free port', async () => {
    const confirm = vi.fn(() => true)
    const foreign = { ...held, holders: [{ ...holder, uid: uid + 1 }] }
    const refused = freePort({ ...job(fake([foreign])), confirm })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_KILL_REFUSED' })
    expect(await freePort({ ...job(fake([free])), confirm })).toEqual([])
    expect(confirm).not.toHaveBeenCalled()
  })

  it('does not signal a process that has a reused pid', async () => {
    const system = fake([held], { startTime: async () => '8' })
    const attempt = freePort(job(system))
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_KILL_FAILED', port: 8080 })
    expect(system.sent).toEqual([])
  })

  it('does not send SIGKILL to another process with the same pid', async () => {
    const other = { ...held, holders: [{ ...holder, startTime: '8' }] }
    const startTime = vi.fn(async () => '8').mockResolvedValueOnce('7')
    const system = fake([held, other, free], { startTime })
    expect(await freePort(job(system))).toHaveLength(2)
    expect(system.sent).toEqual(['SIGTERM 4000000', 'SIGTERM 4000000'])
  })

  it('fails when the port is held after SIGKILL', async () => {
    const attempt = freePort(job(fake([held])))
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_KILL_FAILED' })
    await expect(attempt).rejects.toThrow(/still taken 0 ms after SIGKILL: held by pid 4000000/)
  })

  it('fails when another process takes the port, and leaves that one alone', async () => {
    const again = { pid: 4_000_001, command: 'nodemon', uid, startTime: '9', sockets: ['b'] }
    const system = fake([held, { listeners: [{ socket: 'b', uid }], holders: [again] }])
    const attempt = freePort(job(system))
    await expect(attempt).rejects.toThrow(/taken again at once: held by pid 4000001 \(nodemon\)/)
    expect(system.sent).toEqual(['SIGTERM 4000000'])
  })

  it('looks again when no process seems to hold a socket', async () => {
    const look = vi.fn(async () => held).mockResolvedValueOnce({ ...held, holders: [] })
    const system = fake([held, free], { look })
    expect(await freePort(job(system))).toEqual([holder])
    expect(look).toHaveBeenCalledTimes(2)
  })

  it('refuses when no process can be seen', async () => {
    const attempt = freePort(job(fake([{ ...held, holders: [] }])))
    await expect(attempt).rejects.toMatchObject({
      code: 'ERR_SOCKET_PORT_KILL_REFUSED',
      port: 8080,
    })
    await expect(attempt).rejects.toThrow(/cannot be seen.* No process was signalled/)
  })

  it('says which processes it has signalled when a later attempt is refused', async () => {
    const foreign = { ...held, holders: [{ ...holder, pid: 4_000_002, uid: uid + 1 }] }
    await expect(freePort(job(fake([held, foreign])))).rejects.toThrow(
      /Only pid 4000000 \(app\) was signalled: pid 4000002 /,
    )
  })

  it('counts a process as ended that is gone when it is signalled', async () => {
    let uses = held
    const signal = () => {
      uses = free
      throw Object.assign(new Error('kill ESRCH'), { code: 'ESRCH' })
    }
    const look = async () => uses
    const listeners = async () => [...uses.listeners]
    expect(await freePort(job(fake([], { signal, look, listeners })))).toEqual([])
  })

  it('fails with the cause when the system refuses the signal', async () => {
    const cause = Object.assign(new Error('kill EPERM'), { code: 'EPERM', errno: -1 })
    const signal = () => {
      throw cause
    }
    const attempt = freePort(job(fake([held], { signal })))
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_KILL_FAILED', cause })
    await expect(attempt).rejects.toThrow(/SIGTERM to pid 4000000 \(app\) failed/)
  })
})

/** As `job`, for 127.0.0.1; `probes` follow one another. */
const local = (system: System, ...probes: ('free' | 'busy' | 'unknown')[]): FreeJob => ({
  ...job(system),
  place: { address: '127.0.0.1', ipv6Only: false },
  probe: async () => probes.shift() ?? 'free',
})

describe('freePort, of sockets on other addresses', () => {
  const at = (socket: string, address: string, pid: number): [Listener, Holder] => [
    { socket, uid, address },
    { ...holder, pid, sockets: [socket] },
  ]
  const use = (...all: [Listener, Holder][]): PortUse => ({
    listeners: all.map(([listener]) => listener),
    holders: all.map(([, holder]) => holder),
  })
  const one = at('a', '127.0.0.1', 4_000_001)
  const other = at('b', '127.0.0.3', 4_000_003)
  const v6 = at('c', '::', 4_000_006)

  it('ends the processes that prevent the bind, and no others', async () => {
    const system = fake([use(one, other, v6), use(other, v6)])
    expect(await freePort(local(system, 'busy', 'free'))).toEqual([one[1]])
    expect(system.sent).toEqual(['SIGTERM 4000001'])
  })

  it('ends the processes that may prevent the bind, if none certainly does', async () => {
    const system = fake([use(other, v6), use(other)])
    expect(await freePort(local(system, 'busy', 'busy', 'free'))).toEqual([v6[1]])
    expect(system.sent).toEqual(['SIGTERM 4000006'])
  })

  it('ends no process if the bind succeeds, or if none can prevent it', async () => {
    for (const [sockets, ...probes] of [
      [use(one, other, v6), 'free'],
      [use(other), 'busy', 'busy'],
      [use(v6), 'unknown', 'unknown'],
    ] as const) {
      const system = fake([sockets])
      expect(await freePort(local(system, ...probes))).toEqual([])
      expect(system.sent).toEqual([])
    }
  })

  it('asks about the certain and the possible ones separately, before each is signalled', async () => {
    const system = fake([use(one, v6), use(v6), use()])
    const confirm = vi.fn(() => true)
    await freePort({ ...local(system, 'busy', 'busy'), confirm })
    expect(confirm.mock.calls).toEqual([[[one[1]]], [[v6[1]]]])
  })

  it('frees the port although a protected process listens on another address', async () => {
    const protectedOne: [Listener, Holder] = [other[0], { ...other[1], uid: uid + 1 }]
    const system = fake([use(one, protectedOne), use(protectedOne)])
    expect(await freePort(local(system, 'busy', 'free'))).toEqual([one[1]])
  })
})

describe('systemOf', () => {
  it.each([
    { platform: 'win32', says: /-LocalPort 8080\)\.OwningProcess/ },
    { platform: 'freebsd', says: /cannot be freed on freebsd/ },
  ] as const)('fails on $platform, with the fix', ({ platform, says }) => {
    expect(() => systemOf(platform, 8080)).toThrow(says)
    expect(() => systemOf(platform, 8080)).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKET_PORT_KILL_FAILED', port: 8080 }),
    )
  })

  it('uses lsof on macOS', () => {
    expect(systemOf('darwin', 8080)).toBe(lsofSystem)
  })
})

it(...requireOrSkip('frees one address by lsof', commandSkipReason('lsof')), async () => {
  const listen = (port: number, host: string) =>
    `require('net').createServer().listen(${port}, '${host}', function () { process.send(this.address().port) })`
  const start = async (code: string): Promise<[ReturnType<typeof spawn>, number]> => {
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
    const child = spawn(process.execPath, ['-e', code], { stdio: [...stdio] })
    const [port] = await once(child, 'message')
    return [child, port]
  }
  const [one, port] = await start(listen(0, '127.0.0.1'))
  const [other] = await start(listen(port, '127.0.0.3'))
  const killed = await freePort({
    ...local(lsofSystem, 'busy'),
    port,
    timeout: 60_000,
    grace: 2000,
  })
  expect(killed.map(({ pid }) => pid)).toEqual([one.pid])
  expect(other.exitCode ?? other.signalCode).toBeNull()
  other.kill('SIGKILL')
  await once(other, 'exit')
})

it(...requireOrSkip('frees a port by lsof', commandSkipReason('lsof')), async () => {
  const code = `require('net').createServer().listen(0, function () { process.send(this.address().port) })`
  const child = spawn(process.execPath, ['-e', code], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [port] = await once(child, 'message')
  const exit = once(child, 'exit')
  const killed = await freePort({
    ...job(lsofSystem),
    port,
    timeout: 60_000,
    grace: 2000,
    probe: async () => 'busy',
  })
  expect(killed.map(({ pid }) => pid)).toEqual([child.pid])
  expect(await exit).toEqual([null, 'SIGTERM'])
})
