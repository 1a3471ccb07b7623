import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type GenerationOptions, startGeneration } from '@socket-port/testkit/generation'
import { type Listener, openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fixture, type Report, replyFrom } from './report.ts'

let directory: string
let listener: Listener
let port: number

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
  listener = openListener()
  port = listener.port
})

afterEach(async () => {
  await endProcesses()
  listener.close()
  rmSync(directory, { recursive: true })
})

const report = async (options: GenerationOptions): Promise<Report> =>
  (await startGeneration({ sockets: [listener], ...options }).ready()) as Report

/** Listens where the manager does, and where it can do so without the manager. */
const TARGETS = (): string => JSON.stringify([{ port, host: '::' }, { port: 0 }])

describe('close, then listen again', () => {
  it('works on an inherited socket, and leaks no descriptor', async () => {
    const env = { PORT: String(port) }
    const { rounds, sockets } = await report({ script: fixture('core-again.mjs'), env })
    expect(rounds).toEqual(Array(5).fill(expect.stringMatching(/^served \d+$/)))
    expect(new Set(rounds as string[]).size).toBe(1)
    expect(sockets).toMatchObject([{ fd: 3, taken: false, listening: true, backlog: 4096 }])
  })
})

describe('a program that the server executes', () => {
  it.each<[string, Partial<GenerationOptions>, string]>([
    ['a success', {}, 'listening'],
    ['a success without native code', { args: ['--no-addons'] }, 'listening'],
    ['a foreign LISTEN_PID', { inherit: 'no-pid', env: { LISTEN_PID: '1' } }, 'EADDRINUSE'],
    ['garbage in LISTEN_FDS', { env: { LISTEN_FDS: 'x' } }, 'EADDRINUSE'],
    ['garbage in LISTEN_PIDFDID', { env: { LISTEN_PIDFDID: 'x' } }, 'EADDRINUSE'],
    ['a wrong count of names', { env: { LISTEN_FDNAMES: 'a:b' } }, 'EADDRINUSE'],
  ])(
    'sees neither descriptor nor variable after %s',
    async (_, { args = [], env, ...options }, outcome) => {
      const command = [process.execPath, ...args, fixture('core-child.mjs')]
      const ready = await report({ ...options, command, env: { ...env, PORT: String(port) } })
      expect(ready.outcome).toBe(outcome)
      expect(ready.child).toMatch(/^PORT=\d+$/m)
      expect(ready.child).not.toMatch(/^LISTEN_/m)
      expect(ready.child).not.toContain(readlinkSync(`/proc/self/fd/${listener.fd}`))
    },
  )
})

describe('a worker thread', () => {
  it('listens on an inherited socket', async () => {
    const env = { TARGETS: JSON.stringify([{ port }]) }
    const { outcomes, warnings } = await report({ script: fixture('core-worker.mjs'), env })
    expect({ outcomes, warnings }).toMatchObject({
      outcomes: [{ source: 'inherited' }],
      warnings: [],
    })
    expect(await replyFrom({ port })).toBe('0')
  })

  it('binds a unix socket with the mode that was asked for', async () => {
    const path = join(directory, 'app.sock')
    const env = { TARGETS: JSON.stringify([{ path, mode: 0o600 }]) }
    const ready = await report({ script: fixture('core-worker.mjs'), inherit: 'none', env })
    expect(ready.outcomes).toMatchObject([{ source: 'bound', address: path }])
    expect(await replyFrom({ path })).toBe('0')
  })
})

describe('a cluster worker', () => {
  it.each<[string, GenerationOptions['inherit']]>([
    ['by its pid', 'pid'],
    ['by its place', 'no-pid'],
  ])('knows %s that the sockets are not its own, and touches none', async (_, inherit) => {
    const env = { TARGETS: JSON.stringify([{ port: 0 }]) }
    const ready = await report({
      script: fixture('core-cluster.mjs'),
      inherit: inherit ?? 'pid',
      env,
    })
    expect(ready).toMatchObject({ outcomes: [{ source: 'bound' }], sockets: [], variables: [] })
    const warning =
      /^no socket is inherited: a cluster worker has none.*socket-port run --workers N/
    expect(ready.warnings).toEqual([expect.stringMatching(warning)])
  })
})

describe('two copies of core in one process', () => {
  const core = fileURLToPath(new URL('../../../packages/core/', import.meta.url))

  it('share what was inherited, the signals, and the errors', async () => {
    cpSync(join(core, 'dist'), join(directory, 'dist'), { recursive: true })
    cpSync(join(core, 'package.json'), join(directory, 'package.json'))
    mkdirSync(join(directory, 'node_modules'))
    symlinkSync(join(core, 'node_modules/@koromix'), join(directory, 'node_modules/@koromix'))
    const other = openListener()
    const server = startGeneration({
      script: fixture('core-copies.mjs'),
      sockets: [listener, other],
      env: {
        COPIES: [core, directory].map((copy) => join(copy, 'dist/index.js')).join(','),
        PORTS: [port, other.port].join(','),
      },
    })
    expect(await server.ready()).toEqual({
      ready: true,
      sources: ['inherited', 'inherited'],
      seen: [
        [true, true],
        [true, true],
      ],
      listeners: [1, 1],
      differ: true,
      knownToBoth: true,
    })
    server.signal('SIGTERM')
    expect(await server.exit).toMatchObject({ code: 0, signal: null })
    expect(server.stderr).toBe('')
    other.close()
  })
})

describe('a program between the manager and the server', () => {
  const LOST =
    /^no socket is inherited: the sockets were passed to process \d+, but this is process \d+\. A program in between \(npm start, pnpm, tsx, node --watch, a shell without exec\) has lost them; start node itself/

  it.each<[string, readonly string[]]>([
    ['npm start', ['npm', 'start', '--silent']],
    [
      'a shell without exec',
      ['/bin/sh', '-c', '"$0" "$1"; exit', process.execPath, fixture('core-listen.mjs')],
    ],
    ['node --watch', [process.execPath, '--watch', fixture('core-listen.mjs')]],
  ])(
    '%s: is named, and the server starts cold or says that the port is in use',
    async (_, command) => {
      const start = `"${process.execPath}" "${fixture('core-listen.mjs')}"`
      writeFileSync(join(directory, 'package.json'), JSON.stringify({ scripts: { start } }))
      const ready = await report({
        command,
        cwd: directory,
        env: {
          TARGETS: TARGETS(),
          npm_config_cache: directory,
          npm_config_update_notifier: 'false',
        },
      })
      expect(ready.warnings).toEqual([expect.stringMatching(LOST)])
      expect(ready.outcomes).toMatchObject([{ code: 'EADDRINUSE' }, { source: 'bound' }])
      expect(ready.outcomes[0]?.message).toContain(`pid ${process.pid} (`)
      expect(ready.variables).toEqual([])
    },
  )

  it('node --watch without LISTEN_PID: its own channel on fd 3 is left alone', async () => {
    const command = [process.execPath, '--watch', fixture('core-listen.mjs')]
    const ready = await report({ command, inherit: 'no-pid', env: { TARGETS: TARGETS() } })
    expect(ready.outcomes).toMatchObject([{ code: 'EADDRINUSE' }, { source: 'bound' }])
    expect(ready.warnings).toEqual([
      expect.stringContaining('left alone: fd 3 is a stream socket that does not listen. '),
    ])
  })
})
