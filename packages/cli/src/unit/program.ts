import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { basename, delimiter, dirname, extname, join, resolve } from 'node:path'
import { whyUnsupported } from '@socket-port/core/runtime'
import { UsageError } from '../base/errors.ts'
import { whyNoProgram } from '../base/no-program.ts'
import { quote } from '../base/quote.ts'
import { startedBy } from './package.ts'

/** The versions of Node that run TypeScript without a flag (https://nodejs.org/api/typescript.html). */
export const TYPESCRIPT = '22.18 or later, or 23.6 or later'

/** Throws a UsageError when `node` cannot run `entry`, as far as this machine shows. */
export function checkProgram(entry: string, node: string): void {
  checkKind(entry)
  const extension = extname(entry)
  if (/^\.[jt]sx$/.test(extension)) {
    throw new UsageError(
      `node cannot run ${quote(entry)}: it does not know ${extension}. Compile it, and name the compiled file`,
    )
  }
  if (!/^\.[cm]?ts$/.test(extension)) return
  const version = versionOf(node)
  if (version === undefined || stripsTypes(version)) return
  throw new UsageError(
    `Node ${version} (${node}) cannot run ${quote(entry)}: TypeScript needs Node ${TYPESCRIPT}. ` +
      'Name the compiled program, such as dist/server.js, or pass --node PATH of a newer one',
  )
}

/** The absolute path of a command, which systemd needs; throws a UsageError when it is not on the PATH. */
export function findCommand(command: string): string {
  if (command.includes('/')) return resolve(command)
  const found = onPath(command)
  if (found !== undefined) return found
  const why = whyNoProgram(command)
  if (why !== undefined) throw new UsageError(`${quote(command)} is no program: ${why}`)
  throw new UsageError(
    `${quote(command)} is not on the PATH here. Name its path on the machine of the service, such as /usr/bin/${command}`,
  )
}

export const isOnPath = (command: string): boolean => onPath(command) !== undefined

function onPath(command: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => resolve(folder, command)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Throws a UsageError when a file is no node, or one that is too old. Says nothing of a file that is not here. */
export function checkNode(node: string): void {
  if (node === process.execPath || !existsSync(node)) return
  const version = versionOf(node)
  if (version === undefined) return
  const why =
    version === ''
      ? `${quote(node)} does not say its version as node does (--version)`
      : whyUnsupported({ node: version })
  if (why !== undefined) throw new UsageError(`--node: ${why}. Name another with --node PATH`)
}

// The first line of a script names what runs it. In node_modules/.bin, pnpm writes scripts of sh.
function interpreterOf(entry: string): string | undefined {
  try {
    return /^#!\s*(\S.*)/.exec(readFileSync(entry, 'latin1').slice(0, 200))?.[1]
  } catch {
    return undefined // not here, or not for this user
  }
}

function checkKind(entry: string): void {
  const isFolder = statSync(entry, { throwIfNoEntry: false })?.isDirectory() ?? false
  const interpreter = isFolder ? undefined : interpreterOf(entry)
  if (interpreter !== undefined && !/\b(node|nodejs|tsx|ts-node|bun|deno)\b/.test(interpreter)) {
    throw new UsageError(
      `${quote(entry)} is a script of ${interpreter}, and node runs ENTRY. Name the JavaScript that it starts, or write ` +
        'the script after --, with --way run',
    )
  }
  if (!isFolder && extname(entry) !== '.json') return
  const folder = isFolder ? entry : dirname(entry)
  const what = isFolder ? 'a folder' : 'no program'
  const started = isFolder || basename(entry) === 'package.json' ? startedBy(folder) : undefined
  const example =
    started === undefined ? 'such as server.js' : `here ${quote(join(folder, started))}`
  throw new UsageError(`${quote(entry)} is ${what}. Name the file that node runs, ${example}`)
}

/** The version of the node at a path, such as `22.18.0`; `undefined` when it cannot be asked, and empty when it is no node. */
function versionOf(node: string): string | undefined {
  if (node === process.execPath) return process.versions.node
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8', timeout: 5_000 })
  if (status === null) return undefined
  return /^v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1] ?? ''
}

/** Whether a version of Node runs TypeScript without a flag; see {@link TYPESCRIPT}. */
export function stripsTypes(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major === 22 ? minor >= 18 : major > 23 || (major === 23 && minor >= 6)
}
