import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  childEnvironment,
  commandLine,
  findSetpriv,
  oddNames,
  type Passed,
  workingDirectory,
} from './start.ts'

const PRINT = [
  '/bin/sh',
  '-c',
  'echo "$$ $LISTEN_PID $WATCHDOG_PID"; printf "<%s>" "$@"',
  'sh',
] as const

describe('commandLine', () => {
  it.each([false, true])(
    'the process has its own pid, and its arguments as they are (setpriv: %s)',
    async (wanted) => {
      const setpriv = wanted ? await findSetpriv() : undefined
      const words = ['a b', "it's", '$HOME', '', '--', '-x']
      const facts = { pid: process.pid, setpriv, bash: true }
      const [file, args] = commandLine([...PRINT, ...words], {}, facts)
      const [pids = '', shown] = execFileSync(file, args, { encoding: 'utf8' }).split('\n')
      const [pid, listenPid, watchdogPid] = pids.split(' ')
      expect([listenPid, watchdogPid]).toEqual([pid, pid])
      expect(shown).toBe(words.map((word) => `<${word}>`).join(''))
    },
  )

  it('starts nothing when the parent has ended already', () => {
    const facts = { pid: 1, setpriv: undefined, bash: true }
    const [file, args] = commandLine(PRINT, {}, facts)
    expect(() => execFileSync(file, args, { stdio: 'pipe' })).toThrow('Command failed')
  })
})

describe(...requireOrSkip('the environment below the shell', linuxSkipReason()), () => {
  it('has the variables whose names a shell cannot assign to, and no file runs before it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const odd = { 'app.port': '1', 'x-y': ' 2\n', '-z': '', '1st': '$HOME', '//host/:_token': 'é' }
    const env = {
      ...odd,
      // For bash, two reasons to run a file first.
      HOME: directory,
      SSH_CLIENT: '::1 1 2',
      BASH_ENV: join(directory, 'bash-env'),
      PATH: '/nowhere',
    }
    for (const name of ['bash-env', '.bashrc']) writeFileSync(join(directory, name), 'exit 3')
    const facts = { pid: process.pid, setpriv: await findSetpriv(), bash: existsSync('/bin/bash') }
    const print = 'process.stdout.write(JSON.stringify(process.env))'
    const [file, args] = commandLine([process.execPath, '-e', print], env, facts)
    const shown: unknown = JSON.parse(execFileSync(file, args, { env, encoding: 'utf8' }))
    expect(shown).toMatchObject(env)
    expect(shown).not.toHaveProperty('POSIXLY_CORRECT')
    expect(oddNames(env)).toEqual(Object.keys(odd))
  })
})

const passed: Passed = {
  names: ['web', 'unknown'],
  askPath: undefined,
  notifySocket: '@ours',
  watchdog: undefined,
  storeSize: 8,
  generation: 3,
  worker: 1,
  files: {},
  compileCache: undefined,
  colours: undefined,
  terminal: false,
  preload: undefined,
}

const OURS = {
  NOTIFY_SOCKET: '@ours',
  FDSTORE: '8',
  SOCKET_PORT_SUCCESSOR: 'running',
  SOCKET_PORT_CHANNEL: '5,6',
  SOCKET_PORT_GENERATION: '3',
  SOCKET_PORT_WORKER: '1',
}

describe('childEnvironment', () => {
  it('contains the variables of run, and none that the manager of run has set', () => {
    const env = {
      PATH: '/bin',
      LISTEN_FDS: '9',
      LISTEN_PID: '1',
      LISTEN_PIDFDID: '2',
      LISTEN_FDNAMES: 'x',
      NOTIFY_SOCKET: '/run/systemd/notify',
      WATCHDOG_USEC: '1',
      WATCHDOG_PID: '1',
      FDSTORE: '1',
      SOCKET_PORT_WORKER: '7',
      SOCKET_PORT_SUCCESSOR: 'x',
      LISTEN_FDS_START: 'mine',
    }
    expect(childEnvironment(env, passed)).toEqual({
      PATH: '/bin',
      LISTEN_FDS_START: 'mine',
      LISTEN_FDS: '2',
      LISTEN_FDNAMES: 'web:unknown',
      ...OURS,
    })
  })

  it('has no LISTEN_FDS without sockets', () => {
    expect(childEnvironment({}, { ...passed, names: [] })).toEqual({
      ...OURS,
      SOCKET_PORT_CHANNEL: '3,4',
    })
  })

  it('tells the process of the terminal', () => {
    const env = childEnvironment({}, { ...passed, terminal: true })
    expect(env.SOCKET_PORT_TERMINAL).toBe('1')
  })

  it('contains the watchdog time in microseconds', () => {
    const env = childEnvironment({}, { ...passed, watchdog: 1500.5 })
    expect(env.WATCHDOG_USEC).toBe('1500500')
  })

  it('environment files override the environment, and never the variables of run', () => {
    const files = { MODE: 'file', NOTIFY_SOCKET: '@theirs' }
    const env = childEnvironment({ MODE: 'env' }, { ...passed, files })
    expect(env).toMatchObject({ MODE: 'file', NOTIFY_SOCKET: '@ours' })
  })

  it('adds the preload to NODE_OPTIONS, before what they say', () => {
    const from = (env: Record<string, string>, files = {}): string | undefined =>
      childEnvironment(env, { ...passed, files, preload: '/opt/with space/"x"\\y.cjs' })
        .NODE_OPTIONS
    const word = '--require="/opt/with space/\\"x\\"\\\\y.cjs"'
    expect(from({})).toBe(word)
    expect(from({ NODE_OPTIONS: '--import tsx' })).toBe(`${word} --import tsx`)
    const file = { NODE_OPTIONS: '--enable-source-maps' }
    expect(from({ NODE_OPTIONS: '--import tsx' }, file)).toBe(`${word} --enable-source-maps`)
  })

  it("contains the options of the preload, which are the user's", () => {
    const env = { SOCKET_PORT_REGISTER_TAKE: 'first', SOCKET_PORT_REGISTERED: 'x' }
    expect(childEnvironment(env, passed)).toMatchObject({ SOCKET_PORT_REGISTER_TAKE: 'first' })
    expect(childEnvironment(env, passed)).not.toHaveProperty('SOCKET_PORT_REGISTERED')
  })

  it.each([
    [{}, {}, '/cache'],
    [{ NODE_COMPILE_CACHE: '/env' }, {}, '/env'],
    [{ NODE_COMPILE_CACHE: '/env' }, { NODE_COMPILE_CACHE: '/file' }, '/file'],
  ])('the compile cache is that of the user with %j and the file %j', (env, files, expected) => {
    const { NODE_COMPILE_CACHE } = childEnvironment(env, {
      ...passed,
      files,
      compileCache: '/cache',
    })
    expect(NODE_COMPILE_CACHE).toBe(expected)
  })

  it.each([
    [{}, '2'],
    [{ FORCE_COLOR: '0' }, '0'],
    [{ NO_COLOR: '1' }, undefined],
  ])('has FORCE_COLOR if the terminal has colours: %j', (env, expected) => {
    const { FORCE_COLOR } = childEnvironment(env, { ...passed, colours: '2' })
    expect(FORCE_COLOR).toBe(expected)
  })
})

describe('workingDirectory', () => {
  const { PWD } = process.env
  let link = ''
  let directory = ''

  beforeEach(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'socket-port-')))
    link = join(directory, 'current')
  })

  afterEach(() => {
    rmSync(directory, { recursive: true })
    if (PWD === undefined) delete process.env.PWD
    else process.env.PWD = PWD
  })

  it('is the path by which the shell came, symlinks included', () => {
    symlinkSync(process.cwd(), link)
    process.env.PWD = link
    expect(workingDirectory(undefined)).toBe(link)
    expect(workingDirectory('src')).toBe(join(link, 'src'))
  })

  it.each([undefined, '/', '.', '/nowhere'])(
    'is the directory of this process when PWD is %j',
    (pwd) => {
      if (pwd === undefined) delete process.env.PWD
      else process.env.PWD = pwd
      expect(workingDirectory(undefined)).toBe(process.cwd())
    },
  )

  it('is the directory that was asked for', () => {
    expect(workingDirectory('/srv/app/current')).toBe('/srv/app/current')
  })
})
