import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import { preloadPath } from '../child/preload.ts'
import type { Parsed } from '../command-line/command.ts'
import { duration, oneOf, port } from '../command-line/scalars.ts'
import { realPath } from '../unit/access.ts'
import { packageOf, programName } from '../unit/package.ts'
import type { UnitOutput } from '../unit/print.ts'
import { checkNode, checkProgram, findCommand, isOnPath } from '../unit/program.ts'
import { namedPaths, type UnitJob, type Way } from '../unit/render.ts'
import type { UnitOption } from './unit-options.ts'

/** Reads and checks every value; throws a UsageError for a wrong one. Writes nothing. */
export function readUnitOptions(parsed: Parsed<UnitOption>): [UnitJob, UnitOutput] {
  const [listen, another] = parsed.all('port')
  if (listen === undefined) {
    throw new UsageError('unit needs --port, e.g. socket-port unit server.js --port 8080')
  }
  if (another !== undefined) {
    throw new UsageError(
      `unit takes one --port (got ${quote(listen)} and ${quote(another)}): add another port to the units by hand ` +
        '(ListenStream= of systemd.socket(5), or --listen of socket-port run in ExecStart=)',
    )
  }
  const way = oneOf('way', parsed.last('way') ?? 'socket', ['socket', 'store', 'run'])
  const program = programOf(parsed, way)
  const file = programFile(program)
  const own = packageOf(file)
  const folder = own?.folder ?? dirname(file)
  const job: UnitJob = {
    way,
    name: unitName(parsed.last('name') ?? programName(file, own)),
    ...program,
    folder,
    linked: (realPath(folder) ?? folder) !== folder,
    port: port('--port', listen),
    user: userName(parsed.last('user')),
    node: nodePath(parsed.last('node') ?? process.execPath),
    command: fileURLToPath(new URL('./main.js', import.meta.url)),
    targets: [],
    preload: parsed.has('register') ? preloadOf(file) : undefined,
    envFiles: parsed.all('env-file').map((file) => resolve(file)),
    compileCache: !parsed.has('no-compile-cache'),
    watchdog: watchdogTime(parsed.last('watchdog') ?? '30s'),
  }
  checkNode(job.node)
  if (program.byNode) checkProgram(program.entry, job.node)
  const targets = namedPaths(job).map((path) => realPath(path) ?? path)
  return [{ ...job, targets }, outputOf(parsed)]
}

type Program = Pick<UnitJob, 'entry' | 'byNode' | 'words'>

function programOf({ arguments: [given], rest = [] }: Parsed<UnitOption>, way: Way): Program {
  if (given !== undefined) {
    checkEntry(given)
    return { entry: resolve(given), byNode: true, words: rest }
  }
  const [command, ...words] = rest
  if (command === undefined || command === '') {
    throw new UsageError('unit needs ENTRY, e.g. socket-port unit server.js --port 8080')
  }
  if (way !== 'run') {
    throw new UsageError(
      `--way ${way} passes the socket to the process that systemd starts, and ${quote(command)} may start the server in ` +
        'another one. Pass --way run, or name the file that node runs: unit server.js',
    )
  }
  return { entry: findCommand(command), byNode: false, words }
}

// A file that is not here may be on the machine of the service, so only what is certainly none is refused.
function checkEntry(given: string): void {
  if (existsSync(given)) return
  const [first = '', ...words] = given.split(' ')
  if (words.length > 0 && existsSync(first)) {
    throw new UsageError(
      `ENTRY is a file alone (got ${quote(given)}): write unit ${first} -- ${words.join(' ')}`,
    )
  }
  if (/^[\w-]+$/.test(given) && isOnPath(given)) {
    throw new UsageError(
      `ENTRY is a file, and there is no ${quote(given)} here, only a command of that name. Write it after --, with --way run: ` +
        `socket-port unit --port 8080 --way run -- ${given}`,
    )
  }
}

/**
 * A file in the folder of the program, whose package gives the units their name. The folder of a command is the current one,
 * and that of a framework's file is the one with its node_modules.
 */
function programFile({ entry, byNode }: Program): string {
  if (!byNode) return resolve('server.js')
  const at = entry.indexOf('/node_modules/')
  return at < 0 ? entry : `${entry.slice(0, at)}/server.js`
}

// Prefers the preload that the program has installed: this command may be in a cache of npx, which may be deleted.
function preloadOf(entry: string): string {
  try {
    return createRequire(entry).resolve('@socket-port/core/register')
  } catch {
    return preloadPath()
  }
}

function outputOf(parsed: Parsed<UnitOption>): UnitOutput {
  const folder = parsed.last('output')
  const json = parsed.has('json')
  if (folder === undefined) return { kind: json ? 'json' : 'text' }
  if (json) throw new UsageError('--json prints, --output writes: leave one out')
  return { kind: 'files', folder: resolve(folder) }
}

function unitName(given: string): string {
  const name = given.replace(/\.(service|socket)$/, '')
  if (/^[A-Za-z0-9][\w.-]{0,199}$/.test(name)) return name
  throw new UsageError(
    `the name of a unit has letters, digits, dots, dashes and underscores (got ${quote(name)}): pass --name`,
  )
}

// systemd needs a path. In the folder of the program there is no file `node`: the one on the PATH is meant.
const nodePath = (given: string): string =>
  given.includes('/') ? resolve(given) : findCommand(given)

const LEAST_WATCHDOG = 1_000

function watchdogTime(given: string): number {
  const time = duration('watchdog', given)
  if (time === 0 || time >= LEAST_WATCHDOG) return time
  throw new UsageError(
    `--watchdog ${quote(given)} is ${time} ms: systemd would end a program that is only busy for that long. Write ` +
      'seconds with an s, such as 30s',
  )
}

function userName(user: string | undefined): string | undefined {
  if (user === undefined || /^[A-Za-z0-9_][\w.-]{0,30}\$?$/.test(user)) return user
  throw new UsageError(`--user takes the name or number of a user (got ${quote(user)})`)
}
