import { existsSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { UnitOption } from '../commands/unit.ts'
import { CommandError, UsageError } from '../errors.ts'
import { type Io, styled, writeJson } from '../io.ts'
import type { Parsed } from '../parse.ts'
import { quote } from '../quote.ts'
import type { ExitCode } from '../run/exit-codes.ts'
import { duration, oneOf, port } from '../values/scalars.ts'
import { enabledUnits, renderUnits, type UnitFile, type UnitJob } from './render.ts'

/** Prints, or writes, the units that the options ask for. */
export async function unit(parsed: Parsed<UnitOption>, io: Io): Promise<ExitCode> {
  const job = unitJobOf(parsed)
  warnOf(job, io)
  const files = renderUnits(job)
  const folder = parsed.last('output')
  if (parsed.has('json')) {
    if (folder !== undefined) throw new UsageError('--json prints, --output writes: leave one out')
    writeJson(io, { files, enable: `systemctl enable --now ${enabledUnits(job)}` })
    return 0
  }
  if (folder !== undefined) return write(files, resolve(folder), job, io)
  const at = (file: UnitFile): string => `# /etc/systemd/system/${file.name}\n${file.content}`
  io.stdout.write(files.map(at).join('\n'))
  return 0
}

function unitJobOf(parsed: Parsed<UnitOption>): UnitJob {
  const [entry = ''] = parsed.arguments
  const given = parsed.last('port')
  if (given === undefined) {
    throw new UsageError('unit needs --port, e.g. socket-port unit server.js --port 8080')
  }
  const way = oneOf('way', parsed.last('way') ?? 'socket', ['socket', 'store', 'run'])
  return {
    way,
    name: unitName(parsed.last('name') ?? nameOf(resolve(entry))),
    entry: resolve(entry),
    port: port('--port', given),
    user: userName(parsed.last('user')),
    node: resolve(parsed.last('node') ?? process.execPath),
    command: fileURLToPath(new URL('./main.js', import.meta.url)),
    envFiles: parsed.all('env-file').map((file) => resolve(file)),
    watchdog: duration('watchdog', parsed.last('watchdog') ?? '30s'),
  }
}

// What says nothing of a service.
const GENERIC = ['app', 'index', 'main', 'server', 'start']

/** Returns what a program is called: `shop` for /srv/shop.js and for /srv/shop/server.js. */
function nameOf(entry: string): string {
  const name = basename(entry, extname(entry))
  const folder = basename(dirname(entry))
  return GENERIC.includes(name) && folder !== '' ? folder : name
}

function unitName(given: string): string {
  const name = given.replace(/\.(service|socket)$/, '')
  if (/^[A-Za-z0-9][\w.-]{0,199}$/.test(name)) return name
  throw new UsageError(
    `a unit is named with letters, digits, dots, dashes and underscores (got ${quote(name)}): pass --name`,
  )
}

function userName(user: string | undefined): string | undefined {
  if (user === undefined || /^[A-Za-z0-9_][\w.-]{0,30}\$?$/.test(user)) return user
  throw new UsageError(`--user takes the name or number of a user (got ${quote(user)})`)
}

function warnOf({ way, entry, user, command, node }: UnitJob, { stderr }: Io): void {
  const warn = (text: string): void =>
    void stderr.write(`${styled(stderr, 'yellow', 'socket-port: warning:')} ${text}\n`)
  if (!existsSync(entry))
    warn(`${quote(entry)} does not exist here; the units name it all the same`)
  if (way === 'run' && command.includes('/_npx/')) {
    warn(
      'npx keeps socket-port in a cache that may go away: npm i -g socket-port, then print again',
    )
  }
  const hidden = [entry, node].find((path) => /^\/(home|root|tmp|var\/tmp)\//.test(path))
  if (user === undefined && hidden !== undefined) {
    warn(`a user that exists only while the service runs cannot read ${quote(hidden)}: pass --user`)
  }
}

function write(files: readonly UnitFile[], folder: string, job: UnitJob, { stdout }: Io): ExitCode {
  const paths = files.map(({ name }) => join(folder, name))
  const there = paths.find((path) => existsSync(path))
  if (there !== undefined) {
    throw new CommandError(
      `${there} exists and is left as it is. Remove it, or pass another --name`,
    )
  }
  for (const [index, { content }] of files.entries()) writeFileSync(paths[index] ?? '', content)
  const next = `systemctl daemon-reload && systemctl enable --now ${enabledUnits(job)}`
  stdout.write(`${paths.join('\n')}\nNow: ${next}\n`)
  return 0
}
