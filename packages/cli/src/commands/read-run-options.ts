import { existsSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { UsageError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import type { Parsed } from '../command-line/command.ts'
import { duration, oneOf, permissions, whole } from '../command-line/scalars.ts'
import { type ListenAddress, type RunOptions, runDefaults, type Watch } from '../run/options.ts'
import { listenAddress, plainAddress } from './listen-address.ts'
import { readiness } from './readiness.ts'
import type { RunOption } from './run-options.ts'

/** Reads and checks every value; throws a UsageError for a wrong one. Opens nothing. */
export async function readRunOptions(parsed: Parsed<RunOption>): Promise<RunOptions> {
  const read = <T>(name: RunOption, as: (name: RunOption, value: string) => T, fallback: T): T => {
    const value = parsed.last(name)
    return value === undefined ? fallback : as(name, value)
  }
  const text = (_: RunOption, value: string): string => value
  const { backlog, workers, watchdog, notifyAccess } = runDefaults
  return {
    command: commandOf(parsed.rest),
    ...addressesOf(parsed),
    backlog: read('backlog', (name, value) => whole(name, value, 1, 2 ** 31 - 1), backlog),
    name: read('name', controlName, runDefaults.name),
    control: read('control', text, runDefaults.control),
    workers: read('workers', workerCount, workers),
    replace: parsed.has('all-at-once') ? 'all-at-once' : 'one-by-one',
    reusePort: parsed.has('reuse-port'),
    ready: read('ready', (_, value) => readiness(value), runDefaults.ready),
    readyTimeout: read('ready-timeout', notZero, runDefaults.readyTimeout),
    settle: read('settle', duration, runDefaults.settle),
    drainTimeout: read('drain-timeout', duration, runDefaults.drainTimeout),
    watchdog: read<number | undefined>('watchdog', duration, watchdog),
    notifyAccess: read(
      'notify-access',
      (name, value) => oneOf(name, value, ['main', 'all']),
      notifyAccess,
    ),
    register: parsed.has('register'),
    envFiles: parsed.all('env-file').map((path) => existing('env-file', path, 'file')),
    compileCache: !parsed.has('no-compile-cache'),
    cwd: read('cwd', (name, value) => existing(name, value, 'folder'), runDefaults.cwd),
    prefix: prefixOf(parsed),
    timestamps: parsed.has('timestamps'),
    logFormat: read(
      'log-format',
      (name, value) => oneOf(name, value, ['text', 'json']),
      runDefaults.logFormat,
    ),
    watch: await watchOf(parsed),
  }
}

function commandOf(rest: readonly string[] = []): RunOptions['command'] {
  const [program, ...args] = rest
  if (program === undefined) throw new UsageError('run needs a command after --')
  if (/^(?:[\w.-]*:)?\d+$/.test(program)) {
    throw new UsageError(
      `${quote(program)} is no program; to keep a port: socket-port run --listen ${program} -- COMMAND`,
    )
  }
  return [program, ...args]
}

const MOST_WORKERS = 1_024

function workerCount(option: RunOption, value: string): number {
  if (value === 'max') return Math.min(availableParallelism(), MOST_WORKERS)
  if (/^\d/.test(value)) return whole(option, value, 1, MOST_WORKERS)
  throw new UsageError(
    `--${option} takes a whole number between 1 and ${MOST_WORKERS}, or max (got ${quote(value)})`,
  )
}

function addressesOf(parsed: Parsed<RunOption>): Pick<RunOptions, 'listen' | 'metrics'> {
  const values = parsed.all('listen')
  const listen = values.map(listenAddress)
  const twice = values.find(
    (value, index) => !isAnyPort(listen[index]) && values.includes(value, index + 1),
  )
  if (twice !== undefined) {
    throw new UsageError(`--listen ${quote(twice)} is given twice: leave one out`)
  }
  const at = parsed.last('metrics')
  const metrics = at === undefined ? undefined : plainAddress('metrics', at)
  const mode = parsed.last('mode')
  if (mode === undefined) return { listen, metrics }
  const bits = permissions('mode', mode)
  if (![...listen, metrics].some((address) => address?.path !== undefined)) {
    throw new UsageError('--mode is for unix sockets: add --listen unix:PATH, or leave it out')
  }
  const withMode = <T extends ListenAddress>(address: T): T =>
    address.path === undefined ? address : { ...address, mode: bits }
  return { listen: listen.map(withMode), metrics: metrics && withMode(metrics) }
}

function notZero(option: RunOption, value: string): number {
  const time = duration(option, value)
  if (time > 0) return time
  throw new UsageError(
    `--${option} ${quote(value)} would stop each process at once: give it a time, such as 30s`,
  )
}

// The kernel chooses another one for each socket.
const isAnyPort = (address: ListenAddress | undefined): boolean => address?.port === 0

// The name becomes part of the path of the control socket.
function controlName(_: RunOption, value: string): string {
  if (/^[\w][\w.-]{0,63}$/.test(value)) return value
  throw new UsageError(
    `--name takes up to 64 letters, digits, dots, dashes and underscores (got ${quote(value)})`,
  )
}

function existing(
  option: RunOption,
  path: string,
  kind: 'file' | 'folder' | 'file or folder',
): string {
  if (!existsSync(path)) {
    const fix =
      option === 'watch' ? '. To watch the current folder, write -- before the command' : ''
    throw new UsageError(`--${option} ${quote(path)}: no such ${kind} exists${fix}`)
  }
  if (kind !== 'file or folder' && statSync(path).isDirectory() !== (kind === 'folder')) {
    throw new UsageError(`--${option} ${quote(path)} is not a ${kind}`)
  }
  return path
}

function prefixOf(parsed: Parsed<RunOption>): boolean | undefined {
  const [on, off] = [parsed.has('prefix'), parsed.has('no-prefix')]
  if (on && off) throw new UsageError('--prefix and --no-prefix contradict: leave one out')
  return on || off ? on : runDefaults.prefix
}

async function watchOf(parsed: Parsed<RunOption>): Promise<Watch | undefined> {
  const paths = parsed.all('watch').map((path) => existing('watch', path, 'file or folder'))
  const ignore = parsed.all('ignore')
  if (paths.length === 0) {
    if (ignore.length === 0) return undefined
    throw new UsageError('--ignore is for --watch: add --watch DIR, or leave it out')
  }
  const { watching } = await import('../watch/watch.ts')
  return watching({ paths, ignore })
}
