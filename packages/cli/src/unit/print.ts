import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CommandError } from '../base/errors.ts'
import type { ExitCode } from '../base/exit-codes.ts'
import { type Io, styled, writeJson } from '../base/io.ts'
import { quote } from '../base/quote.ts'
import { closedPart, OTHER_USER, type Rights, realPath, rightsOf } from './access.ts'
import { TYPESCRIPT } from './program.ts'
import { enabledUnits, namedPaths, renderUnits, type UnitFile, type UnitJob } from './render.ts'

/** Where the units go: to stdout as text or JSON, or into a folder. */
export type UnitOutput = { kind: 'text' } | { kind: 'json' } | { kind: 'files'; folder: string }

/**
 * Prints or writes the units of a job, and warns of what will not work on this machine.
 *
 * @throws {CommandError} when a file of that name exists already, or cannot be written
 */
export function printUnits(job: UnitJob, output: UnitOutput, io: Io): ExitCode {
  const files = renderUnits(job)
  for (const warning of warningsOf(job)) {
    io.stderr.write(`${styled(io.stderr, 'yellow', 'socket-port: warning:')} ${warning}\n`)
  }
  const enable = `systemctl enable --now ${enabledUnits(job)}`
  if (output.kind === 'json') writeJson(io, { files, enable })
  else if (output.kind === 'files') {
    const paths = write(files, output.folder)
    io.stdout.write(`${paths.join('\n')}\nNow: systemctl daemon-reload && ${enable}\n`)
  } else {
    const texts = files.map(({ name, content }) => `# /etc/systemd/system/${name}\n${content}`)
    io.stdout.write(texts.join('\n'))
  }
  return 0
}

function warningsOf(job: UnitJob): string[] {
  const { way, entry, command, preload, node, user } = job
  const warnings: string[] = []
  if (!existsSync(entry)) {
    warnings.push(`${quote(entry)} does not exist here; the units name it nevertheless`)
  }
  const ours = way === 'run' ? command : preload
  if (ours?.includes('/_npx/')) {
    warnings.push(
      'npx keeps socket-port in a cache that may be deleted: npm i -g socket-port, then print again',
    )
  }
  if (!existsSync(node)) {
    const needed = /\.[cm]?ts$/.test(entry) ? `. ${quote(entry)} needs Node ${TYPESCRIPT}` : ''
    warnings.push(`${quote(node)} does not exist here; the units name it nevertheless${needed}`)
  }
  const rights = user === undefined ? OTHER_USER : rightsOf(user)
  if (rights === undefined) {
    warnings.push(
      `there is no user ${quote(user ?? '')} here; systemd starts the service only where there is one`,
    )
  }
  return [...warnings, ...namedPaths(job).flatMap((path) => whyUnreadable(path, job, rights) ?? [])]
}

/** Why the user of the service cannot read a file that it needs, and the repair. */
function whyUnreadable(
  path: string,
  { user, node, command, preload }: UnitJob,
  rights: Rights | undefined,
): string | undefined {
  const real = realPath(path) ?? path
  const closed = rights && closedPart(path, rights)
  // DynamicUser= gives the service a /tmp of its own. A path that does not exist here is judged by its name.
  const hidden = /^\/(?:var\/)?tmp(?=\/)/.exec(real)?.[0]
  const home = existsSync(path) ? undefined : /^\/(?:home|root)(?=\/)/.exec(real)?.[0]
  const place = closed ?? (user === undefined ? (hidden ?? home) : undefined)
  if (place === undefined) return undefined
  const reader = user === undefined ? 'DynamicUser=' : `User=${user}`
  const where = place === real ? 'its permissions' : `it is under ${place}`
  const elsewhere =
    path === node
      ? ', or --node PATH of a node that every user may run, such as /usr/bin/node'
      : path === command || path === preload
        ? ', or install it for all users: sudo npm i -g socket-port'
        : ', or move the program, for example to /srv'
  return `${reader} cannot read ${quote(path)} (${where}). Pass --user NAME, for example the owner${elsewhere}`
}

/** Writes every file, or none when one of them exists. Returns their paths. */
function write(files: readonly UnitFile[], folder: string): string[] {
  const paths = files.map(({ name }) => join(folder, name))
  const existing = paths.find((path) => existsSync(path))
  if (existing !== undefined) {
    throw new CommandError(
      `${existing} exists and is left as it is. Remove it, or pass another --name`,
    )
  }
  for (const [index, { content }] of files.entries()) writeUnit(paths[index] ?? '', content)
  return paths
}

function writeUnit(path: string, content: string): void {
  try {
    writeFileSync(path, content)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new CommandError(`${quote(path)} was not written (${message}). ${writeFix(code, path)}`)
  }
}

function writeFix(code: string | undefined, path: string): string {
  if (code === 'ENOENT') return `Create the folder first: mkdir -p ${quote(dirname(path))}`
  if (code === 'ENOTDIR') return '--output takes a folder, and a part of that path is a file'
  if (code === 'EACCES' || code === 'EPERM') {
    return 'Run the command as a user who may write there, for example with sudo'
  }
  return 'Pass another folder to --output, or leave it out to print the units'
}
