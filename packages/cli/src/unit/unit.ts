import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommandError, UsageError } from '../base/errors.ts'
import type { ExitCode } from '../base/exit-codes.ts'
import { type Io, styled, writeJson } from '../base/io.ts'
import { quote } from '../base/quote.ts'
import type { Parsed } from '../command-line/parse.ts'
import { duration, oneOf, port } from '../command-line/scalars.ts'
import type { UnitOption } from '../commands/unit.ts'
import { barrier, type Rights, realPath, rightsOf, STRANGER } from './access.ts'
import { packageOf, programName } from './package.ts'
import { checkProgram, TYPESCRIPT } from './program.ts'
import { enabledUnits, namedPaths, renderUnits, type UnitFile, type UnitJob } from './render.ts'

/** Prints, or writes, the units that the options ask for. */
export async function unit(parsed: Parsed<UnitOption>, io: Io): Promise<ExitCode> {
  const job = unitJobOf(parsed)
  const files = renderUnits(job)
  warnOf(job, io)
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
  const [given = ''] = parsed.arguments
  const listen = parsed.last('port')
  if (listen === undefined) {
    throw new UsageError('unit needs --port, e.g. socket-port unit server.js --port 8080')
  }
  const entry = resolve(given)
  const own = packageOf(entry)
  const job: UnitJob = {
    way: oneOf('way', parsed.last('way') ?? 'socket', ['socket', 'store', 'run']),
    name: unitName(parsed.last('name') ?? programName(entry, own)),
    entry,
    folder: own?.folder ?? dirname(entry),
    port: port('--port', listen),
    user: userName(parsed.last('user')),
    node: resolve(parsed.last('node') ?? process.execPath),
    command: fileURLToPath(new URL('./main.js', import.meta.url)),
    targets: [],
    envFiles: parsed.all('env-file').map((file) => resolve(file)),
    watchdog: duration('watchdog', parsed.last('watchdog') ?? '30s'),
  }
  checkProgram(entry, job.node)
  return { ...job, targets: namedPaths(job).map((path) => realPath(path) ?? path) }
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

function warnOf(job: UnitJob, { stderr }: Io): void {
  const { way, entry, command, node } = job
  const warn = (text: string): void =>
    void stderr.write(`${styled(stderr, 'yellow', 'socket-port: warning:')} ${text}\n`)
  if (!existsSync(entry))
    warn(`${quote(entry)} does not exist here; the units name it all the same`)
  if (way === 'run' && command.includes('/_npx/')) {
    warn(
      'npx keeps socket-port in a cache that may go away: npm i -g socket-port, then print again',
    )
  }
  if (/\.[cm]?ts$/.test(entry) && !existsSync(node)) {
    warn(
      `${quote(node)} is not here to ask for its version: ${quote(entry)} needs Node ${TYPESCRIPT}`,
    )
  }
  const rights = job.user === undefined ? STRANGER : rightsOf(job.user)
  for (const path of namedPaths(job)) {
    const why = whyUnreadable(path, job, rights)
    if (why !== undefined) warn(why)
  }
}

/** Why the user of the service cannot read a file that it needs, and the repair. */
function whyUnreadable(
  path: string,
  { user, node, command }: UnitJob,
  rights: Rights | undefined,
): string | undefined {
  const real = realPath(path) ?? path
  const closed = rights && barrier(path, rights)
  // DynamicUser= brings a /tmp of its own, and what is not here has yet to be put there.
  const hidden = /^\/(?:var\/)?tmp(?=\/)/.exec(real)?.[0]
  const home = existsSync(path) ? undefined : /^\/(?:home|root)(?=\/)/.exec(real)?.[0]
  const place = closed ?? (user === undefined ? (hidden ?? home) : undefined)
  if (place === undefined) return undefined
  const who = user === undefined ? 'DynamicUser=' : `User=${user}`
  const where = place === real ? 'its permissions' : `it is under ${place}`
  const elsewhere =
    path === node
      ? ', or --node PATH of a node that every user may run, such as /usr/bin/node'
      : path === command
        ? ', or install it for all users: sudo npm i -g socket-port'
        : ', or move the program, for example to /srv'
  return `${who} cannot read ${quote(path)} (${where}). Pass --user NAME, for example the owner${elsewhere}`
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
