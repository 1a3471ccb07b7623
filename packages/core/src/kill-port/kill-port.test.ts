import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { type AddressInfo, createConnection, createServer, type Server } from 'node:net'
import { linuxSkipReason, requireOrSkip, rootSkipReason } from '@socket-port/testkit/requirements'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { listen as listenOn } from '../listen/listen.ts'
import { findHolders } from '../proc/holders.ts'
import { killPort } from './kill-port.ts'

// Only a limit for a test that hangs: on a busy machine it takes seconds to start a few processes.
vi.setConfig({ testTimeout: 30_000 })

// For processes that are expected to end by SIGTERM.
const patient = { timeout: 60_000 }

const PORT_OF_THIS = 'function () { process.send(this.address().port) }'
const POLITE = `require('net').createServer().listen(0, ${PORT_OF_THIS})`
const STUBBORN = `process.on('SIGTERM', () => process.send('SIGTERM')); ${POLITE}`

// Callers in processes of their own run what was built: this file's source is not JavaScript.
const built = new URL('../../dist/kill-port.js', import.meta.url)
const CALL = `
  const { killPort } = await import(${JSON.stringify(built.href)})
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const call = () => killPort(Number(process.env.TARGET), { timeout: 50, logger })
    .then(({ killed }) => 'freed ' + killed.length, (error) => error.code + ' ' + error.message)`

const asRoot = (what: string) => requireOrSkip(what, rootSkipReason())
const NOBODY = 65534
const AS_NOBODY = `process.setgid(${NOBODY}); process.setuid(${NOBODY}); `

const children: ChildProcess[] = []
let server: Server | undefined

async function start(code: string, options: SpawnOptions = {}): Promise<[ChildProcess, number]> {
  const child = spawn(process.execPath, ['-e', code], {
    cwd: '/',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    ...options,
  })
  children.push(child)
  const [port] = await once(child, 'message')
  return [child, port]
}

async function listen(port = 0): Promise<number> {
  server = createServer().listen(port)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Runs a caller as a program, perhaps by way of another command, and returns what it sends. */
async function call(code: string, port: number, by: string[] = []): Promise<string> {
  const node = [process.execPath, '--input-type=module', '-e', CALL + code]
  const [command = '', ...args] = [...by, ...node]
  const child = spawn(command, args, {
    env: { ...process.env, TARGET: String(port) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  children.push(child)
  const [answer] = await once(child, 'message')
  return answer
}

const isRunning = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const child of children.splice(0)) {
    if (isRunning(child) && child.kill('SIGKILL')) await once(child, 'exit')
  }
  await new Promise((closed) => (server === undefined ? closed(0) : server.close(closed)))
  server = undefined
})

describe(...requireOrSkip('killPort', linuxSkipReason()), () => {
  beforeAll(() => {
    if (!existsSync(built)) throw new Error(`${built.pathname} is missing: build the package first`)
  })

  it('ends a process with SIGTERM, and the port can be bound when it resolves', async () => {
    const [child, port] = await start(POLITE)
    const exit = once(child, 'exit')
    const { killed } = await killPort(port, patient)
    await listen(port)
    expect(killed).toMatchObject([{ pid: child.pid, uid: process.getuid?.() }])
    expect(await exit).toEqual([null, 'SIGTERM'])
  })

  it('ends one that ignores SIGTERM with SIGKILL, and says so', async () => {
    const [child, port] = await start(STUBBORN)
    const exit = once(child, 'exit')
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
    const { killed } = await killPort(port, { timeout: 100, logger })
    expect(killed).toHaveLength(1)
    expect(await exit).toEqual([null, 'SIGKILL'])
    expect(logger.info).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('SIGTERM sent'))
    expect(logger.warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('SIGKILL sent'))
  })

  it('ends all processes that share a socket', async () => {
    const [parent, port] = await start(`
      const { spawn } = require('child_process')
      const server = require('net').createServer().listen(0, () => {
        const code = 'setTimeout(() => {}, 60_000); process.send(0)'
        const stdio = ['ignore', 'inherit', 'inherit', 'ipc', server._handle.fd]
        const child = spawn(process.execPath, ['-e', code], { stdio })
        child.once('message', () => process.send(server.address().port))
      })`)
    const before = findHolders({ port }).map(({ pid }) => pid)
    const { killed } = await killPort(port, patient)
    expect(before).toHaveLength(2)
    expect(before).toContain(parent.pid)
    expect(killed.map(({ pid }) => pid)).toEqual(before)
    await listen(port)
  })

  it('sends SIGTERM first, too, to a process that was forked after the first look', async () => {
    const [parent, port] = await start(`
      const { spawn } = require('child_process')
      const server = require('net').createServer().listen(0, () => {
        process.send(server.address().port)
      })
      process.on('SIGTERM', () => {
        const code = 'setTimeout(() => {}, 60_000); process.send(0)'
        const stdio = ['ignore', 'inherit', 'inherit', 'ipc', server._handle.fd]
        spawn(process.execPath, ['-e', code], { stdio }).once('message', () => process.exit())
      })`)
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
    const { killed } = await killPort(port, { ...patient, logger })
    expect(killed).toHaveLength(2)
    expect(killed[0]?.pid).toBe(parent.pid)
    expect(logger.warn).not.toHaveBeenCalled()
  })

  it('resolves without a signal if only closed connections are left', async () => {
    const port = await listen()
    server?.on('connection', (connection) => connection.end())
    await once(createConnection(port).resume(), 'close')
    await new Promise((closed) => server?.close(closed))
    server = undefined
    // In TIME_WAIT: the server ended first. A bind with SO_REUSEADDR succeeds none the less.
    const rows = readFileSync('/proc/net/tcp6', 'utf8') + readFileSync('/proc/net/tcp', 'utf8')
    expect(rows).toContain(`:${port.toString(16).toUpperCase().padStart(4, '0')} `)
    expect(await killPort(port)).toEqual({ killed: [] })
    await listen(port)
  })

  it('never ends this process, nor others on its socket', async () => {
    const port = await listen()
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle
    const [child] = await start('process.on("message", () => {}).send(0)', {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', fd],
    })
    const attempt = killPort(port)
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_KILL_REFUSED', port })
    await expect(attempt).rejects.toThrow(/this process itself .* No process was signalled/)
    expect(isRunning(child)).toBe(true)
    expect(server?.listening).toBe(true)
  })

  it('never ends an ancestor, nor others on its socket', async () => {
    const [parent, port] = await start(`
      const { spawn } = require('child_process')
      const server = require('net').createServer().listen(0, () => {
        process.send(server.address().port)
        process.once('message', (code) => {
          const stdio = ['ignore', 'inherit', 'inherit', 'ipc', server._handle.fd]
          const env = { ...process.env, TARGET: server.address().port }
          const child = spawn(process.execPath, ['--input-type=module', '-e', code], { env, stdio })
          child.once('message', (answer) => process.send(answer))
        })
      })`)
    // Two generations between: this caller is a grandchild, and holds nothing itself.
    const caller = JSON.stringify(`${CALL}; process.send(await call())`)
    parent.send(`
      import { spawn } from 'node:child_process'
      const child = spawn(process.execPath, ['--input-type=module', '-e', ${caller}], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      child.once('message', (answer) => process.send(answer, () => process.exit()))`)
    const [answer] = await once(parent, 'message')
    expect(answer).toMatch(/^ERR_SOCKET_PORT_KILL_REFUSED .*manages this socket and started this/)
    expect(answer).toContain(`Port ${port} is held by pid ${parent.pid} (`)
    expect(isRunning(parent)).toBe(true)
  })

  it('never ends a process that got its sockets from a manager', async () => {
    const activate = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"'
    const child = spawn('sh', ['-c', activate, process.execPath, '-e', POLITE], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    children.push(child)
    const [port] = await once(child, 'message')
    await expect(killPort(port)).rejects.toThrow(/was started with LISTEN_FDS/)
    expect(isRunning(child)).toBe(true)
  })

  it('ends a process that has only inherited the variables of its parent', async () => {
    const env = { ...process.env, LISTEN_FDS: '1', LISTEN_PID: String(process.pid) }
    const [, port] = await start(POLITE, { env })
    expect((await killPort(port, patient)).killed).toHaveLength(1)
  })

  it("never ends a user's systemd", async () => {
    const [child, port] = await start(POLITE, { argv0: '/usr/lib/systemd/systemd' })
    await expect(killPort(port)).rejects.toThrow(/systemd.* manages this socket/)
    expect(isRunning(child)).toBe(true)
  })

  it(...asRoot('never ends a process of another user, as root'), async () => {
    // From within: another user may not be allowed to run this very Node.
    const [child, port] = await start(`${AS_NOBODY}${POLITE}`)
    const attempt = killPort(port)
    await expect(attempt).rejects.toThrow(/belongs to user 65534, this process to user 0/)
    expect(isRunning(child)).toBe(true)
  })

  it(...asRoot("never ends root's process, as another user"), async () => {
    const [child, port] = await start(POLITE)
    const answer = await call(`;${AS_NOBODY}process.send(await call())`, port)
    expect(answer).toMatch(/^ERR_SOCKET_PORT_KILL_REFUSED .*user 0, .*\(user 65534\) cannot see/)
    expect(isRunning(child)).toBe(true)
  })

  it(...asRoot('trusts no /proc of another pid namespace'), async () => {
    const [child, port] = await start(POLITE)
    const by = ['unshare', '--pid', '--fork', '--kill-child']
    const answer = await call(';process.send(await call())', port, by)
    expect(answer).toMatch(/^ERR_SOCKET_PORT_KILL_FAILED .*that of another pid namespace/)
    expect(isRunning(child)).toBe(true)
  })

  describe('ends only the processes that prevent this bind:', () => {
    const at = (options: object) =>
      `require('net').createServer().listen(${JSON.stringify(options)}, ${PORT_OF_THIS})`

    it.each([
      ['another address', { host: '127.0.0.3' }, { host: '127.0.0.1' }],
      ['a name of another address', { host: '127.0.0.3' }, { host: 'localhost' }],
      ['the other family', { host: '::1' }, { host: '127.0.0.1' }],
      ['IPv6 alone, for IPv4', { host: '::', ipv6Only: true }, { host: '0.0.0.0' }],
      ['IPv6 alone, for one address', { host: '::', ipv6Only: true }, { host: '127.0.0.1' }],
      ['IPv4, for IPv6 alone', { host: '0.0.0.0' }, { ipv6Only: true }],
    ])('not on %s', async (_, taken, wanted) => {
      const [child, port] = await start(at({ port: 0, ...taken }))
      expect(await killPort(port, wanted)).toEqual({ killed: [] })
      expect(isRunning(child)).toBe(true)
    })

    it.each([
      ['every address of both families', { host: '::' }, { host: '127.0.0.1' }],
      ['every address', { host: '0.0.0.0' }, { host: '127.0.0.3' }],
      ['one address, for every one', { host: '127.0.0.3' }, {}],
      ['one address, for every one of its family', { host: '127.0.0.3' }, { host: '0.0.0.0' }],
      ['IPv6, for both', { host: '::', ipv6Only: true }, {}],
      ['a mapped address', { host: '::ffff:127.0.0.1' }, { host: '127.0.0.1' }],
      ['the name of the address', { host: '127.0.0.1' }, { host: 'localhost' }],
    ])('on %s', async (_, taken, wanted) => {
      const [child, port] = await start(at({ port: 0, ...taken }))
      const { killed } = await killPort(port, { ...patient, ...wanted })
      expect(killed.map(({ pid }) => pid)).toEqual([child.pid])
    })

    it('one of two, and none of those that a protected process has elsewhere', async () => {
      const [one, port] = await start(at({ port: 0, host: '127.0.0.1' }))
      const [other] = await start(at({ port, host: '127.0.0.3' }))
      const [v6] = await start(at({ port, host: '::', ipv6Only: true }))
      server = createServer().listen(port, '127.0.0.4')
      await once(server, 'listening')
      const { killed } = await killPort(port, { ...patient, host: '127.0.0.1' })
      expect(killed.map(({ pid }) => pid)).toEqual([one.pid])
      expect([other, v6].map(isRunning)).toEqual([true, true])
      expect(server.listening).toBe(true)
    })

    it('by the option of listen too', async () => {
      const [one, port] = await start(at({ port: 0, host: '127.0.0.1' }))
      const [other] = await start(at({ port, host: '127.0.0.3' }))
      const exit = once(one, 'exit')
      server = createServer()
      await listenOn(server, { port, host: '127.0.0.1', killPort: true })
      expect(await exit).toEqual([null, 'SIGTERM'])
      expect(isRunning(other)).toBe(true)
    })
  })

  describe(...asRoot('pid namespaces, as root'), () => {
    // As a container that shares the network of its host.
    const CONTAINER = ['--pid', '--fork', '--mount-proc', '--kill-child']

    async function startInside(): Promise<[ChildProcess, number]> {
      // The channel of Node's own passes through unshare, which execs nothing in between.
      const child = spawn('unshare', [...CONTAINER, process.execPath, '-e', POLITE], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      children.push(child)
      const [port] = await once(child, 'message')
      return [child, port]
    }

    it('never ends a process of another one, which is PID 1 there', async () => {
      const [child, port] = await startInside()
      const attempt = killPort(port)
      await expect(attempt).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_KILL_REFUSED', port })
      await expect(attempt).rejects.toThrow(/No process was signalled: pid \d+ .*another container/)
      expect(isRunning(child)).toBe(true)
      expect(findHolders({ port })).toHaveLength(1)
    })

    it('never ends a process outside, from within one', async () => {
      const [child, port] = await start(POLITE)
      const answer = await call(';process.send(await call())', port, ['unshare', ...CONTAINER])
      expect(answer).toMatch(/^ERR_SOCKET_PORT_KILL_REFUSED .* cannot see who holds it/)
      expect(isRunning(child)).toBe(true)
    })

    it('ends one of the same, within', async () => {
      const code = `
        const { spawn } = await import('node:child_process')
        const child = spawn(process.execPath, ['-e', ${JSON.stringify(POLITE)}], {
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        })
        child.once('message', async (port) => {
          process.env.TARGET = port
          process.send(await call())
        })`
      expect(await call(code, 0, ['unshare', ...CONTAINER])).toBe('freed 1')
    })
  })

  it('keeps the process alive while it waits', async () => {
    const [, port] = await start(STUBBORN)
    const code = ';process.channel.unref(); process.send(await call())'
    expect(await call(code, port)).toBe('freed 1')
  })

  it('refuses in production, unless forced', async () => {
    const [child, port] = await start(POLITE)
    vi.stubEnv('NODE_ENV', 'production')
    const attempt = killPort(port)
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_KILL_REFUSED', port })
    await expect(attempt).rejects.toThrow(/NODE_ENV=production/)
    expect(isRunning(child)).toBe(true)
    expect((await killPort(port, { ...patient, force: true })).killed).toHaveLength(1)
  })

  it('can be aborted while it waits: no SIGKILL follows', async () => {
    const [child, port] = await start(STUBBORN)
    const controller = new AbortController()
    const reason = new Error('enough')
    child.once('message', () => controller.abort(reason))
    const options = { ...patient, signal: controller.signal }
    await expect(killPort(port, options)).rejects.toBe(reason)
    expect(isRunning(child)).toBe(true)
    await expect(killPort(port, options)).rejects.toBe(reason)
    expect(findHolders({ port })).toHaveLength(1)
  })
})

it.each([0, -1, 65536, 1.5, Number.NaN])('refuses the port %j', async (port) => {
  const attempt = killPort(port)
  await expect(attempt).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_INVALID_PORT' })
})

it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
  'refuses the timeout %j',
  async (timeout) => {
    const attempt = killPort(8080, { timeout })
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_INVALID_OPTION' })
  },
)
