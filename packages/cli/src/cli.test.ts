import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { CommandError, explain, UsageError } from './base/errors.ts'
import { exitCodes } from './base/exit-codes.ts'
import { version } from './base/version.ts'
import { main } from './cli.ts'
import { commandHelp } from './command-line/help.ts'
import { parse } from './command-line/parse.ts'
import { commands } from './commands/index.ts'
import { readRunOptions } from './commands/read-run-options.ts'
import { runCommand } from './commands/run.ts'
import { runDefaults } from './run/options.ts'
import { fakeIo } from './testing/io.ts'

async function typed(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const io = fakeIo()
  const code = await main(argv, io)
  return { code, ...io.written() }
}

describe('help', () => {
  const names = commands.map(({ name }) => name)

  test.each([['--help'], ['-h'], ['help']])(
    '%s lists every command and exit code',
    async (word) => {
      const { code, stdout, stderr } = await typed(word)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      for (const name of names) expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'))
      for (const exitCode of Object.keys(exitCodes)) expect(stdout).toMatch(`\n  ${exitCode}  `)
    },
  )

  test.each(names)(
    'of %s, by option and by topic, with examples that begin with it',
    async (name) => {
      const { code, stdout } = await typed(name, '--help')
      expect(code).toBe(0)
      expect(await typed('help', name)).toEqual({ code: 0, stdout, stderr: '' })
      const command = commands.find((known) => known.name === name)
      for (const option of Object.keys(command?.options ?? {}))
        expect(stdout).toContain(`--${option}`)
      expect(command?.examples.length).toBeGreaterThan(0)
      for (const [line] of command?.examples ?? []) {
        expect(line).toContain(`socket-port ${name}`)
        expect(stdout).toContain(line)
      }
    },
  )

  test('has only examples that are accepted', () => {
    for (const [line] of commands.flatMap(({ examples }) => examples)) {
      const [name, ...argv] = line
        .replace(/^sudo /, '')
        .split(' ')
        .slice(1)
      const command = commands.find((known) => known.name === name)
      expect(() => command && parse(command, argv), line).not.toThrow()
      expect(command, line).toBeDefined()
    }
  })

  test('is as wide as the terminal, and has colours only there', () => {
    for (const command of commands) {
      const { stdout } = fakeIo()
      const lines = commandHelp(command, Object.assign(stdout, { columns: 60 })).split('\n')
      const examples = command.examples.map(([line]) => `  ${line}`)
      expect(lines.filter((line) => line.length > 60 && !examples.includes(line))).toEqual([])
      expect(lines.join()).not.toContain('\u001b')
    }
  })

  test('is shown for socket-port without arguments, as wrong usage', async () => {
    const { code, stdout, stderr } = await typed()
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe((await typed('--help')).stdout)
  })
})

test.each([['--version'], ['-v'], ['-V'], ['version']])(
  '%s is that of the package',
  async (word) => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    expect(version()).toBe(manifest.version)
    expect(await typed(word)).toEqual({
      code: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    })
  },
)

describe('wrong usage is one line with the repair, and exit code 2', () => {
  test.each([
    [['relaod'], "there is no command 'relaod'. Did you mean reload?"],
    [
      ['node', 'server.js'],
      "there is no command 'node'. The commands are run, reload, status, stop, ",
    ],
    [['restart'], "there is no command 'restart'. Did you mean reload?"],
    [['start'], "there is no command 'start'. Did you mean run?"],
    [
      ['--listen', '8080', '--', 'a'],
      "there is no command '--listen'. Write the command first: socket-port run --listen",
    ],
    [['run', '--port', '8080', '--', 'a'], "run has no option '--port'. Did you mean --listen?"],
    [['run', '-p', '8080', '--', 'a'], "run has no option '-p'. Did you mean --listen?"],
    [['run', '-i', '2', '--', 'a'], "run has no option '-i'. Did you mean --workers?"],
    [['unit', 'a.js', '-l', '8080'], "unit has no option '-l'. Did you mean --port?"],
    [
      ['run', '8080', '--', 'a'],
      "'8080' is no program; to keep a port: socket-port run --listen 8080 -- COMMAND",
    ],
    [
      ['reload', '8080'],
      "reload takes no argument '8080'; to choose one by its name: socket-port reload --name 8080",
    ],
    [['verson'], "there is no command 'verson'. Did you mean version?"],
    [['help', 'relaod'], "there is no command 'relaod'. Did you mean reload?"],
    [['run'], 'run needs a command after --, e.g. socket-port run --listen 8080 -- node server.js'],
    [['run', '--listen', 'x', '--', 'a'], "--listen 'x': a port is missing"],
    [['run', '--mode', '660', '-l', '80', '--', 'a'], '--mode is for unix sockets'],
    [['run', '--metrics', 'x', '--', 'a'], "--metrics 'x': a port is missing"],
    [['run', '--ignore', 'x', '--', 'a'], '--ignore is for --watch'],
    [['run', '--watch', '/none', '--', 'a'], "--watch '/none': no such file or folder exists"],
    [
      ['run', '--watch', 'a', 'server.js'],
      'To watch the current folder, write -- before the command',
    ],
    [['run', '--prefix', '--no-prefix', '--', 'a'], '--prefix and --no-prefix contradict'],
    [['run', '--log-format', 'xml', '--', 'a'], '--log-format takes text or json'],
    [['run', '-w', 'most', '--', 'a'], "a whole number between 1 and 1024, or max (got 'most')"],
    [['run', '-w', '0', '--', 'a'], '--workers takes a whole number between 1 and 1024'],
    [['run', '--env-file', '/none', '--', 'a'], "--env-file '/none': no such file exists"],
    [['run', '--cwd', '/dev/null', '--', 'a'], "--cwd '/dev/null' is not a folder"],
    [['run', '--name', '../x', '--', 'a'], '--name takes up to 64 letters'],
    [['run', '--notify-access', 'exec', '--', 'a'], '--notify-access takes main or all'],
    [['status', '--watch'], '--watch is for a terminal: leave it out to print the status once'],
    [['status', '--watch', '--json'], '--json prints once, --watch does not: leave one out'],
    [['reload', '--name', 'a', '--control', 'b'], '--name and --control both choose'],
    [['unit', '-p', '80'], 'unit needs ENTRY'],
    [['unit', '-p', '80', '--', ''], 'unit needs a command after --'],
    [['unit', 'node', 'b.js', '-p', '80'], "unit takes one ENTRY (got 'node' and 'b.js')"],
    [['free', '--port', '80'], 'Write PORT without it, e.g. socket-port free 8080'],
    [['doctor', '--pid', '80'], 'Write UNIT without it, e.g. socket-port doctor app.service'],
    [['run', '--env-file-if-exists', 'x', 'node'], 'Did you mean --env-file?'],
    [['run', '--import', 'x', 'node'], 'as in socket-port run -- node --import …'],
    [['unit', '-p', '80', '--', 'npm', 'start'], '--way socket passes the socket to the process'],
    [['unit', '-p', '80', '--way', 'run', '--', 'npmm'], "'npmm' is not on the PATH here"],
    [['unit'], 'unit needs --port'],
    [['unit', 'server.js'], 'unit needs --port, e.g. socket-port unit server.js --port 8080'],
    [['unit', 'server.js', '-p', '0'], '--port takes a port between 1 and 65535'],
    [['unit', 'server.js', '-p', '80', '--way', 'x'], '--way takes socket or store or run'],
    [['unit', 'a b.js', '-p', '80'], 'the name of a unit has letters'],
    [['unit', 'a.js', '-p', '80', '--user', 'a b'], '--user takes the name or number of a user'],
    [['unit', 'a.js', '-p', '80', '-o', 'x', '--json'], 'leave one out'],
    [['free'], 'free needs PORT, e.g. socket-port free 8080'],
    [['free', 'http'], 'free takes a port between 1 and 65535'],
    [['free', '8080'], 'pass --yes without a terminal'],
    [['free', '8080', '--yes', '--timeout', 'x'], '--timeout takes a time'],
    [['run', '--ready-timeout', '0', 'a'], "--ready-timeout '0' would stop each process at once"],
    [['unit', '-p', '80', 'npm'], 'only a command of that name. Write it after --, with --way run'],
    [['unit', '-p', '80', 'src/cli.ts --port 1'], 'write unit src/cli.ts -- --port 1'],
    [['unit', '-p', '80', '--node', '/bin/true', 'a.js'], "--node: '/bin/true' does not say its"],
    [['unit', '-p', '80', '--way', 'run', '--', 'npm start'], 'pass its words one by one'],
    [
      ['unit', '-p', '80', '--way', 'run', '--', 'A=1', 'npm'],
      'write env before a variable: env A=1',
    ],
    [['free', '80', '-y', '--host', 'a..b'], "--host 'a..b' does not resolve (E"],
    [['run', '-l', '80', '--listen=80', 'a'], "--listen '80' is given twice: leave one out"],
    [['unit', 'a.js', '-p', '80', '-p', '81'], "unit takes one --port (got '80' and '81')"],
    [['unit', 'a.js', '-p', '80', '--watchdog', '30'], "--watchdog '30' is 30 ms"],
    [['unit', 'a.js', '-p', '80', '--node', 'nodee'], "'nodee' is not on the PATH here"],
    [['doctor', '--timeout', 'x'], '--timeout takes a time'],
    [['doctor', 'a', 'b'], "doctor takes one UNIT (got 'a' and 'b')"],
  ])('%j', async (argv, message) => {
    const { code, stdout, stderr } = await typed(...argv)
    const lines = stderr.split('\n').filter((line) => !line.includes('socket-port: warning:'))
    expect({ code, stdout, lines: lines.length }).toEqual({ code: 2, stdout: '', lines: 2 })
    expect(lines[0]).toMatch(/^socket-port: error: /)
    expect(lines[0]).toContain(message)
  })
})

test('an expected error is one line, an unexpected one asks for a bug report', () => {
  const core = (code: string): Error =>
    Object.assign(new Error('busy'), { name: 'SocketPortError', code })
  expect(explain(new UsageError('x'))).toEqual({ line: 'x', exitCode: 2 })
  expect(explain(new CommandError('x'))).toEqual({ line: 'x', exitCode: 1 })
  expect(explain(core('EADDRINUSE'))).toEqual({ line: 'busy', exitCode: 1 })
  expect(explain(core('ERR_SOCKET_PORT_INVALID_PORT'))).toEqual({ line: 'busy', exitCode: 2 })
  expect(explain(Object.assign(new Error('gone'), { code: 'ENOENT' }))).toEqual({
    line: 'gone',
    exitCode: 1,
  })
  const bug = explain(new TypeError('x is undefined'))
  expect(bug.exitCode).toBe(1)
  expect(bug.line).toMatch(/^this is a bug, please report it: TypeError: x is undefined\n {4}at /)
  expect(explain('text')).toEqual({ line: 'text', exitCode: 1 })
})

describe('the options of run', () => {
  const read = (...argv: string[]): ReturnType<typeof readRunOptions> =>
    readRunOptions(parse(runCommand, argv))

  test('are the defaults when no option is given', async () => {
    const command = ['node', 'server.js', '--workers', '3']
    expect(await read('--', ...command)).toEqual({ ...runDefaults, command })
  })

  test('are the given values', async () => {
    const options = await read(
      '-l',
      'web=8080',
      '--listen',
      'unix:/run/a.sock',
      '--mode',
      '660',
      '--metrics',
      'unix:/run/metrics.sock',
      '-w',
      '2',
      '--all-at-once',
      '--reuse-port',
      '--ready',
      'delay:1s',
      '--ready-timeout',
      '10s',
      '--settle',
      '0',
      '--drain-timeout',
      '2m',
      '--watchdog',
      '30s',
      '--notify-access',
      'all',
      '--backlog',
      '512',
      '--name',
      'shop',
      '--control',
      '/run/c',
      '--register',
      '--no-compile-cache',
      '--prefix',
      '--timestamps',
      '--log-format',
      'json',
      '--cwd',
      '/',
      '--',
      'a',
    )
    expect(options).toEqual({
      command: ['a'],
      listen: [
        { port: 8080, name: 'web' },
        { path: '/run/a.sock', mode: 0o660 },
      ],
      metrics: { path: '/run/metrics.sock', mode: 0o660 },
      backlog: 512,
      name: 'shop',
      control: '/run/c',
      workers: 2,
      replace: 'all-at-once',
      reusePort: true,
      ready: { kind: 'delay', ms: 1_000 },
      readyTimeout: 10_000,
      settle: 0,
      drainTimeout: 120_000,
      watchdog: 30_000,
      notifyAccess: 'all',
      register: true,
      envFiles: [],
      compileCache: false,
      cwd: '/',
      prefix: true,
      timestamps: true,
      logFormat: 'json',
      watch: undefined,
    })
  })

  test('open a watch only when it is called', async () => {
    const { watch } = await read('--watch', '.', '--ignore', 'dist', '--', 'a')
    expect(watch).toBeTypeOf('function')
  })

  test.each([
    [
      ['--watch', '--', 'a', '--watch', 'b'],
      ['a', '--watch', 'b'],
    ],
    [['--watch', '--ignore', 'dist', '--', 'a'], ['a']],
    [
      ['--watch', '.', '--watch', '-w', '2', 'a', '--watch'],
      ['a', '--watch'],
    ],
  ])('--watch without a folder watches the current one: %j', async (argv, command) => {
    expect(parse(runCommand, argv).all('watch').at(-1)).toBe('.')
    expect(await read(...argv)).toMatchObject({ command, watch: expect.any(Function) })
  })

  test('--workers max: one for each CPU', async () => {
    const { workers } = await read('--workers', 'max', '--', 'a')
    expect(workers).toBe(availableParallelism())
  })

  test('in help name the defaults of the source', () => {
    const { options } = runCommand
    const ms = (name: string): string | undefined =>
      /Default: (\w+)\./.exec(options[name]?.summary ?? '')?.[1]
    expect([ms('ready-timeout'), ms('drain-timeout'), ms('settle')]).toEqual([
      `${runDefaults.readyTimeout / 1_000}s`,
      `${runDefaults.drainTimeout / 1_000}s`,
      `${runDefaults.settle}ms`,
    ])
    expect([ms('workers'), ms('backlog')]).toEqual([
      String(runDefaults.workers),
      String(runDefaults.backlog),
    ])
  })
})
