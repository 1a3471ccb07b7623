import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { SOCKET_PORT, socketPort, typeOnTerminal } from '@socket-port/testkit/command'
import { endProcesses, track } from '@socket-port/testkit/processes'
import { requireOrSkip, rootSkipReason } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { afterTest, fixture, SERVER } from './supervising.ts'

// What becomes of `socket-port` when its own output cannot be written.

const CHATTY = fixture('cli-chatty.mjs')

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'socket-port-output-'))
  afterTest(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

interface Outputs {
  /** A file, or `'read-only'`: a descriptor that fails with EBADF. @default a pipe */
  stdout?: string
  stderr?: string
  /** What stands before the command. */
  prefix?: readonly string[]
}

/** `socket-port` whose streams are what a test says. */
function startWith(args: readonly string[], outputs: Outputs) {
  const fds = [outputs.stdout, outputs.stderr].map((to) => {
    if (to === undefined) return 'pipe'
    const fd = to === 'read-only' ? openSync('/dev/null', 'r') : openSync(to, 'a')
    afterTest(() => closeSync(fd))
    return fd
  })
  const [file = '', ...words] = [...(outputs.prefix ?? []), process.execPath, SOCKET_PORT, ...args]
  return startChild(file, words, { stdio: ['ignore', ...fds] })
}

function startChild(file: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(file, args, { ...options, detached: true })
  track(child)
  return child
}

/** Resolves when a stream has shown it. */
function shown(stream: Readable | null, what: RegExp): Promise<void> {
  let text = ''
  return new Promise((resolve) => {
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      if (what.test(text)) resolve()
    })
  })
}

// By path: by name alone, whatever else runs on the machine could be asked.
const controlIn = (directory: string): string[] => ['--control', join(directory, 'control.sock')]

/** `socket-port run` with a control socket of its own; resolves when its first process serves. */
async function runWith(outputs: Outputs, ...options: string[]) {
  const directory = newDirectory()
  const control = controlIn(directory)
  const run = ['run', '-l', '127.0.0.1:0', ...control, ...options]
  const args = [...run, '--', process.execPath, CHATTY]
  // What it prints may be lost: its socket tells that it runs, and a reload waits for the first start.
  const watcher = watch(directory)
  const child = startWith(args, outputs)
  const end = once(child, 'exit') as Promise<[number | null, string | null]>
  const died = end.then(([code]) => Promise.reject(new Error(`it ended with ${code}`)))
  await Promise.race([once(watcher, 'change'), died])
  watcher.close()
  // Its end is expected from now on.
  died.catch(() => {})
  const ask = (...words: string[]) => socketPort([...words, ...control])
  return { child, end, ask, control }
}

describe('run goes on, answers and ends in order when', () => {
  it.each<[string, Outputs, ...string[]]>([
    ['stdout is on a full disk', { stdout: '/dev/full' }],
    ['stdout is on a full disk, in JSON', { stdout: '/dev/full' }, '--log-format', 'json'],
    ['stderr is on a full disk', { stderr: '/dev/full' }],
    ['both are on a full disk', { stdout: '/dev/full', stderr: '/dev/full' }],
    ['both cannot be written at all', { stdout: 'read-only', stderr: 'read-only' }],
  ])('%s', async (_, outputs, ...options) => {
    const { child, end, ask } = await runWith(outputs, ...options)
    for (const stream of [child.stdout, child.stderr]) stream?.resume()
    expect(await ask('reload')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^generation \d serves\n$/),
    })
    child.kill('SIGTERM')
    expect(await end).toEqual([0, null])
  })

  it.each(['stdout', 'stderr'] as const)('the reader of %s is gone', async (name) => {
    const { child, end, ask } = await runWith({})
    const others = name === 'stdout' ? child.stderr : child.stdout
    others?.resume()
    child[name]?.destroy()
    expect(await ask('reload')).toMatchObject({ code: 0 })
    child.kill('SIGTERM')
    expect(await end).toEqual([0, null])
  })

  it('stdout is a file that may grow no more', async () => {
    const directory = newDirectory()
    const log = join(directory, 'log')
    writeFileSync(log, '')
    const prefix = ['/bin/sh', '-c', 'ulimit -f 8; exec "$0" "$@"']
    const { child, end, ask } = await runWith({ stdout: log, prefix })
    const warned = shown(child.stderr, /stdout cannot be written \(EFBIG/)
    expect(await ask('reload')).toMatchObject({ code: 0 })
    await warned
    child.kill('SIGTERM')
    expect(await end).toEqual([0, null])
    // What there was room for has been written to the last byte.
    expect(statSync(log).size).toBe(8 * 512)
  })

  it('nobody reads its pipes, whose processes write without end', async () => {
    const { child, end, ask } = await runWith({})
    expect(await ask('reload')).toMatchObject({ code: 0 })
    child.kill('SIGTERM')
    expect(await end).toEqual([0, null])
  })

  it('nobody reads stdout, and its memory stays flat', async () => {
    const { child, end, ask } = await runWith({})
    // Before that, it loads code.
    await shown(child.stderr, /is ready after/)
    const before = memoryOf(child.pid as number)
    await shown(child.stderr, /its reader has read nothing for 1 s\); output is dropped/)
    expect(await ask('reload')).toMatchObject({ code: 0 })
    expect(memoryOf(child.pid as number) - before).toBeLessThan(25_000)
    child.kill('SIGTERM')
    expect(await end).toEqual([0, null])
  })

  it('its terminal is stopped (Ctrl-S)', async () => {
    const directory = newDirectory()
    const control = controlIn(directory)
    const run = [SOCKET_PORT, 'run', '-l', '127.0.0.1:0', ...control, '--', process.execPath]
    const words = [process.execPath, ...run, fixture('cli-chatty.mjs')].map((word) => `'${word}'`)
    const terminal = typeOnTerminal(words.join(' '))
    await terminal.shown(/generation 1 is ready/)
    terminal.type('\x13')
    expect(await socketPort(['reload', ...control])).toMatchObject({ code: 0 })
    expect(await socketPort(['stop', ...control])).toMatchObject({ code: 0 })
    expect(await terminal.end).toMatchObject({ code: 0 })
  })
})

const NOTICES = [
  expect.stringMatching(/^socket-port: warning: stdout cannot be written \(.*(EPIPE|ENOSPC)/),
  expect.stringMatching(
    /^socket-port: stdout can be written again; \d+ bytes of output were dropped/,
  ),
]

const noticesIn = (log: string): string[] =>
  readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('stdout'))

it('run outlives a terminal that is closed, and ends with 0 all the same', async () => {
  const directory = newDirectory()
  const [script, fifo] = [join(directory, 'script.sh'), join(directory, 'code')]
  const control = controlIn(directory)
  const options = `-l 127.0.0.1:0 ${control.join(' ')}`
  const run = `'${process.execPath}' '${SOCKET_PORT}' run ${options} -- '${process.execPath}'`
  // In a session of its own: the SIGHUP of the terminal does not reach it.
  const pid = join(directory, 'pid')
  writeFileSync(script, `echo $$ >${pid}; mkfifo ${fifo}; ${run} '${CHATTY}'; echo $? >${fifo}`)
  afterTest(() => endSession(Number(readFileSync(pid, 'utf8'))))
  const terminal = typeOnTerminal(`setsid --wait sh ${script}`)
  await terminal.shown(/generation 1 is ready/)
  await endProcesses()
  expect(await socketPort(['reload', ...control])).toMatchObject({ code: 0 })
  expect(await socketPort(['stop', ...control])).toMatchObject({ code: 0 })
  const reader = startChild('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] })
  expect(await text(reader.stdout as Readable)).toBe('0\n')
})

it('run tells how much it has dropped when a reader comes back', async () => {
  const directory = newDirectory()
  const [stderr, fifo] = [join(directory, 'stderr'), join(directory, 'stdout')]
  await once(startChild('mkfifo', [fifo], {}), 'exit')
  const read = (): ChildProcess =>
    startChild('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] })
  const reader = read()
  const { child, end, ask } = await runWith({ stdout: fifo, stderr })
  reader.kill()
  await once(reader, 'exit')
  expect(await ask('reload')).toMatchObject({ code: 0 })
  // A reload takes longer than the second in which one that fails now and then is told about once.
  expect(await ask('reload')).toMatchObject({ code: 0 })
  const again = read()
  await once(again.stdout as Readable, 'data')
  again.stdout?.resume()
  expect(await ask('reload')).toMatchObject({ code: 0 })
  child.kill('SIGTERM')
  expect(await end).toEqual([0, null])
  expect(noticesIn(stderr).slice(0, 2)).toEqual(NOTICES)
})

describe(...requireOrSkip('a file system that is full', rootSkipReason()), () => {
  it('run goes on, and tells how much it has dropped when there is room', async () => {
    const directory = newDirectory()
    const [stderr, disk] = [join(directory, 'stderr'), join(directory, 'disk')]
    mkdirSync(disk)
    const script = `mount -t tmpfs -o size=64k none ${disk} && exec "$0" "$@" >>${disk}/log`
    const prefix = ['unshare', '--mount', '/bin/sh', '-c', script]
    const { child, end, ask } = await runWith({ stderr, prefix })
    for (let count = 0; count < 3; count += 1) {
      expect(await ask('reload')).toMatchObject({ code: 0 })
    }
    truncateSync(`/proc/${child.pid}/root/${disk}/log`)
    expect(await ask('reload')).toMatchObject({ code: 0 })
    child.kill('SIGTERM')
    expect(await end).toEqual([0, null])
    expect(noticesIn(stderr).slice(0, 2)).toEqual(NOTICES)
  })
})

describe('an end that nobody planned ends run,', () => {
  it.each([
    ['an exception', 'throw new Error("oh no")', 1],
    ['process.exit', 'process.exit(9)', 9],
  ])('%s', async (_, code, exitCode) => {
    const directory = newDirectory()
    const crash = join(directory, 'crash.cjs')
    writeFileSync(crash, `process.on('SIGWINCH', () => { ${code} })`)
    const args = ['--require', crash, SOCKET_PORT, 'run', '-l', '127.0.0.1:0', '--']
    const env = { ...process.env, XDG_RUNTIME_DIR: directory }
    const words = [...args, process.execPath, SERVER]
    const child = startChild(process.execPath, words, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    await shown(child.stderr, /is ready/)
    child.kill('SIGWINCH')
    expect(await once(child, 'exit')).toEqual([exitCode, null])
  })
})

describe('a command whose stdout', () => {
  const ERROR =
    /^socket-port: error: stdout cannot be written \(.*(ENOSPC|EPIPE|EBADF).*\); the command did its work, and only its output is lost\n$/

  it.each([
    [['--help']],
    [['--version']],
    [['unit', fixture('cli-server.mjs'), '--port', '8080']],
    [['free', '1', '--yes']],
  ])('is on a full disk ends with 74 and one line: %j', async (args) => {
    const child = startWith(args, { stdout: '/dev/full' })
    const stderr = text(child.stderr as Readable)
    expect(await once(child, 'exit')).toEqual([74, null])
    const lines = (await stderr).split(/(?<=\n)/)
    expect(lines.filter((line) => ERROR.test(line))).toHaveLength(1)
    expect(lines.filter((line) => /^ +at /.test(line))).toEqual([])
  })

  it.each([[['doctor']], [['doctor', '--json']]])(
    'is on a full disk keeps the code of what it found, and has one line: %j',
    async (args) => {
      const { code } = await socketPort(args)
      const child = startWith(args, { stdout: '/dev/full' })
      const stderr = text(child.stderr as Readable)
      expect(await once(child, 'exit')).toEqual([code === 0 ? 74 : code, null])
      expect(await stderr).toMatch(/^socket-port: error: stdout cannot be written \(ENOSPC.*\n$/)
    },
  )

  it.each(['status', 'reload', 'stop'])('is closed or full ends with 74: %s', async (name) => {
    const { child, end, control } = await runWith({ stdout: '/dev/null', stderr: '/dev/null' })
    const outputs = name === 'stop' ? ['/dev/full'] : ['/dev/full', 'pipe', 'read-only']
    for (const stdout of outputs) {
      const command = startWith([name, ...control], stdout === 'pipe' ? {} : { stdout })
      command.stdout?.destroy()
      const stderr = text(command.stderr as Readable)
      expect(await once(command, 'exit')).toEqual([74, null])
      expect((await stderr).split(/(?<=\n)/).at(-1)).toMatch(ERROR)
    }
    if (name !== 'stop') child.kill('SIGTERM')
    expect(await end).toEqual([0, null])
  })

  it('and stderr are on a full disk keeps its exit code', async () => {
    const both = { stdout: '/dev/full', stderr: '/dev/full' }
    expect(await once(startWith(['--version'], both), 'exit')).toEqual([74, null])
    expect(await once(startWith(['explode'], both), 'exit')).toEqual([2, null])
    const status = ['status', ...controlIn(newDirectory())]
    expect(await once(startWith(status, both), 'exit')).toEqual([3, null])
  })
})

/** Ends what leads a session of its own, where something is left of it. */
function endSession(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // It has ended in order.
  }
}

function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
