import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linuxSkipReason, requireOrSkip, unixSkipReason } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { removeStaleSocket } from './stale-socket.ts'

// Only a limit for a test that hangs: on a busy machine it takes seconds to start a few processes.
vi.setConfig({ testTimeout: 30_000 })

const LISTEN = `require('net').createServer().listen(
  { path: process.argv[1], backlog: 1 }, () => process.send('listening'))`

let directory: string
let path: string
let server: Server | undefined
let child: ChildProcess | undefined
const clients: Socket[] = []

async function listen(where: string): Promise<void> {
  server = createServer((connection) => connection.destroy()).listen({ path: where })
  await once(server, 'listening')
}

async function startChild(code: string): Promise<ChildProcess> {
  child = spawn(process.execPath, ['-e', code, path], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  return child
}

/** Leaves a socket file behind, as a crash does. */
async function leaveStale(): Promise<void> {
  const owner = await startChild(LISTEN)
  owner.kill('SIGKILL')
  await once(owner, 'exit')
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
  path = join(directory, 'app.sock')
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  if (child?.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await new Promise((closed) => (server === undefined ? closed(0) : server.close(closed)))
  server = undefined
  child = undefined
  rmSync(directory, { recursive: true })
})

describe(...requireOrSkip('removeStaleSocket', unixSkipReason()), () => {
  it('removes the file that a crash has left behind, and the path can be bound', async () => {
    await leaveStale()
    expect(await removeStaleSocket(path)).toBe('removed')
    expect(existsSync(path)).toBe(false)
    await listen(path)
  })

  it('leaves a socket that is served', async () => {
    await listen(path)
    expect(await removeStaleSocket(path)).toBe('alive')
    await once(createConnection(path).resume(), 'close')
  })

  it('removes nothing if there is no file', async () => {
    expect(await removeStaleSocket(path)).toBe('absent')
    expect(await removeStaleSocket(join(directory, 'no', 'such.sock'))).toBe('absent')
  })

  it.each([
    { what: 'a file', make: () => writeFileSync(path, 'precious') },
    { what: 'a directory', make: () => mkdirSync(path) },
    { what: 'a symbolic link', make: () => symlinkSync(join(directory, 'gone'), path) },
  ])('leaves $what and says so', async ({ what, make }) => {
    make()
    const before = lstatSync(path, { bigint: true })
    const attempt = removeStaleSocket(path)
    await expect(attempt).rejects.toMatchObject({
      code: 'ERR_SOCKET_PORT_PATH_NOT_A_SOCKET',
      path,
      message: expect.stringContaining(`${path}: ${what} stands there`),
    })
    expect(lstatSync(path, { bigint: true })).toEqual(before)
  })

  it('leaves a link to a stale socket, and the socket', async () => {
    await leaveStale()
    const link = join(directory, 'link.sock')
    symlinkSync(path, link)
    await expect(removeStaleSocket(link)).rejects.toThrow(/a symbolic link stands there/)
    expect(lstatSync(path).isSocket()).toBe(true)
  })

  it('does not remove a socket that another process has bound meanwhile', async () => {
    await leaveStale()
    const slower = removeStaleSocket(path)
    // The probe of `slower` is on its way; another process replaces the file meanwhile.
    rmSync(path)
    await listen(path)
    expect(await slower).toBe('alive')
    await once(createConnection(path).resume(), 'close')
  })

  it('is removed once by two processes that compete for it', async () => {
    await leaveStale()
    const outcomes = await Promise.all([removeStaleSocket(path), removeStaleSocket(path)])
    expect(outcomes.sort()).toEqual(['absent', 'removed'])
  })
})

describe(...requireOrSkip('removeStaleSocket on Linux', linuxSkipReason()), () => {
  it('leaves a socket whose process is stopped and whose queue is full', async () => {
    const stopped = await startChild(LISTEN)
    stopped.kill('SIGSTOP')
    for (let full = false; !full; ) {
      const client = createConnection(path)
      clients.push(client)
      full = await once(client, 'connect').then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'EAGAIN',
      )
    }
    expect(await removeStaleSocket(path)).toBe('alive')
    expect(lstatSync(path).isSocket()).toBe(true)
  })

  it('finds that an abstract name is served', async () => {
    const name = `\0socket-port-${process.pid}`
    await listen(name)
    expect(await removeStaleSocket(name)).toBe('alive')
  })

  it('has nothing to remove for an abstract name', async () => {
    expect(await removeStaleSocket(`\0socket-port-none-${process.pid}`)).toBe('absent')
  })

  it('removes the file although connections of an earlier server are still open', async () => {
    server = createServer().listen(path)
    clients.push(createConnection(path))
    const [accepted] = await once(server, 'connection')
    clients.push(accepted)
    server.close()
    await leaveStale()
    expect(await removeStaleSocket(path)).toBe('removed')
  })

  it('leaves a socket that is bound and will listen at any moment', async () => {
    // What every server goes through for a moment, held still: bind(2) without listen(2).
    await startChild(`
      const server = require('net').createServer().listen(process.argv[1] + '.other', () => {
        const SERVER = 1
        globalThis.pipe = new server._handle.constructor(SERVER)
        process.send(pipe.bind(process.argv[1]))
      })`)
    expect(await removeStaleSocket(path)).toBe('alive')
    expect(lstatSync(path).isSocket()).toBe(true)
  })
})
