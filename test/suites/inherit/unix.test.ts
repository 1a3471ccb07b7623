import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startGeneration } from '@socket-port/testkit/generation'
import { type Listener, openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadLibc } from '../../../packages/core/src/sockets/libc.ts'
import { nativeSystem } from '../../../packages/core/src/sockets/native.ts'
import { fixture, type Listening, replyFrom, startListening } from './report.ts'

let directory: string
let path: string
const listeners: Listener[] = []
const system = nativeSystem(loadLibc())

function open(options: { path: string; backlog?: number }): Listener {
  const listener = openListener(options)
  listeners.push(listener)
  return listener
}

/** The limit of the accept queue, which only sock_diag(7) tells of a unix socket. */
function backlogOf({ fd }: Listener): number | undefined {
  const facts = system.describe(fd)
  return typeof facts === 'string' ? undefined : facts.backlog
}

async function crash({ process: child }: Listening): Promise<void> {
  child.signal('SIGKILL')
  await child.exit
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
  path = join(directory, 'app.sock')
})

afterEach(async () => {
  await endProcesses()
  for (const listener of listeners.splice(0)) listener.close()
  rmSync(directory, { recursive: true })
})

describe('an inherited unix socket', () => {
  const abstract = `@socket-port-unix-${process.pid}`

  it.each([
    ['in the file system', (): string => path],
    ['with an abstract name', (): string => abstract],
  ])('%s is served, tells its path, and keeps its backlog', async (_, place) => {
    const own = open({ path: place(), backlog: 4096 })
    expect(backlogOf(own)).toBe(4096)
    const listening = await startListening([{ path: place() }], { sockets: [own] })
    expect(listening.report).toMatchObject({
      outcomes: [{ source: 'inherited', address: place() }],
      sockets: [{ family: 'unix', path: place(), backlog: 4096, queueLength: 0 }],
      warnings: [],
    })
    expect(await replyFrom(own)).toBe('0')
    expect(backlogOf(own)).toBe(4096)
    await crash(listening)
    expect(backlogOf(own)).toBe(4096)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('is still there after %s', async (signal) => {
    const own = open({ path })
    const { ino } = statSync(path)
    const env = { OPTIONS: JSON.stringify({ path }) }
    const server = startGeneration({ script: fixture('core-shutdown.mjs'), sockets: [own], env })
    await server.ready()
    server.signal(signal)
    expect(await server.exit).toMatchObject({ code: 0 })
    expect(statSync(path).ino).toBe(ino)
    const reply = replyFrom({ path })
    await startListening([{ path }], { sockets: [own] })
    expect(await reply).toBe('0')
  })

  it('is known by a relative path too', async () => {
    const own = open({ path })
    const options = { sockets: [own], cwd: directory }
    const { report } = await startListening([{ path: './x/../app.sock' }], options)
    expect(report).toMatchObject({
      outcomes: [{ source: 'inherited', address: path }],
      warnings: [],
    })
  })
})

describe('a unix socket that is bound', () => {
  it.each([
    ['rw-------', 0o600],
    ['rw-rw----', 0o660],
    ['rw-rw-rw-', 0o666],
  ])('has the mode that is asked for: %s', async (_, mode) => {
    const { report } = await startListening([{ path, mode }])
    expect(report.outcomes).toMatchObject([{ source: 'bound', address: path }])
    expect(statSync(path).mode & 0o777).toBe(mode)
    expect(await replyFrom({ path })).toBe('0')
  })

  it('is removed when the process ends by a signal', async () => {
    const env = { OPTIONS: JSON.stringify({ path }) }
    const server = startGeneration({ script: fixture('core-shutdown.mjs'), env })
    await server.ready()
    expect(existsSync(path)).toBe(true)
    server.signal('SIGTERM')
    expect(await server.exit).toMatchObject({ code: 0 })
    expect(existsSync(path)).toBe(false)
  })

  it('replaces what a crash left behind', async () => {
    await crash(await startListening([{ path }]))
    expect(statSync(path).isSocket()).toBe(true)
    const { report } = await startListening([{ path }])
    expect(report).toMatchObject({ outcomes: [{ source: 'bound', address: path }], warnings: [] })
    expect(await replyFrom({ path })).toBe('0')
  })

  it('does not replace one that is served, and says by whom', async () => {
    const first = await startListening([{ path }])
    const { report } = await startListening([{ path }])
    expect(report.outcomes).toEqual([
      {
        code: 'EADDRINUSE',
        message: expect.stringMatching(
          `^cannot listen on path ${path} \\(EADDRINUSE\\): it is held by pid ${first.process.pid} \\(.+\\); stop that process or choose another path$`,
        ),
      },
    ])
    expect(await replyFrom({ path })).toBe('0')
  })

  it('does not replace one whose manager will start somebody: nobody accepts on it now', async () => {
    open({ path })
    const { report } = await startListening([{ path }])
    expect(report.outcomes).toMatchObject([{ code: 'EADDRINUSE' }])
    expect(statSync(path).isSocket()).toBe(true)
  })

  it.each<[string, () => void, RegExp]>([
    ['a directory', () => mkdirSync(path), /: a directory stands there, and it was left alone\. /],
    [
      'a file',
      () => writeFileSync(path, 'mine'),
      /: a file stands there, and it was left alone\. /,
    ],
  ])('does not replace %s', async (_, put, message) => {
    put()
    const { report } = await startListening([{ path }])
    expect(report.outcomes).toEqual([
      { code: 'ERR_SOCKET_PORT_PATH_NOT_A_SOCKET', message: expect.stringMatching(message) },
    ])
    expect(statSync(path).isSocket()).toBe(false)
  })

  it('needs a directory', async () => {
    writeFileSync(join(directory, 'file'), '')
    const [none, file] = [join(directory, 'none', 'app.sock'), join(directory, 'file', 'app.sock')]
    const { report } = await startListening([{ path: none }, { path: file }])
    expect(report.outcomes).toEqual([
      {
        // libuv turns ENOENT into EACCES (uv_pipe_bind2).
        code: 'EACCES',
        message:
          `cannot listen on path ${none} (EACCES): the directory must exist and be writable for this user; ` +
          'create it, or choose another one',
      },
      {
        code: 'ENOTDIR',
        message: `cannot listen on path ${file} (ENOTDIR): a part of the path is not a directory; choose another path`,
      },
    ])
  })

  it('has a path that the kernel takes', async () => {
    const long = join(directory, 'x'.repeat(108))
    const { report } = await startListening([{ path: long }])
    expect(report.outcomes).toMatchObject([{ code: 'ERR_SOCKET_PORT_INVALID_PATH' }])
  })

  it('keeps an abstract name for itself', async () => {
    const abstract = `@socket-port-own-${process.pid}`
    const first = await startListening([{ path: abstract }])
    expect(first.report.outcomes).toMatchObject([{ source: 'bound' }])
    const second = await startListening([{ path: abstract }])
    expect(second.report.outcomes).toMatchObject([{ code: 'EADDRINUSE' }])
    expect(second.report.outcomes[0]?.message).toContain(`held by pid ${first.process.pid} (`)
  })
})
