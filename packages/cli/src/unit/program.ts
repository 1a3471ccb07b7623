import { spawnSync } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { basename, delimiter, dirname, extname, join, resolve } from 'node:path'
import { UsageError } from '../base/errors.ts'
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
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const found = folders.map((folder) => resolve(folder, command)).find(isExecutable)
  if (found !== undefined) return found
  throw new UsageError(
    `${quote(command)} is not on the PATH here. Name its path on the machine of the service, such as /usr/bin/${command}`,
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function checkKind(entry: string): void {
  const isFolder = statSync(entry, { throwIfNoEntry: false })?.isDirectory() ?? false
  if (!isFolder && extname(entry) !== '.json') return
  const folder = isFolder ? entry : dirname(entry)
  const what = isFolder ? 'a folder' : 'no program'
  const started = isFolder || basename(entry) === 'package.json' ? startedBy(folder) : undefined
  const example =
    started === undefined ? 'such as server.js' : `here ${quote(join(folder, started))}`
  throw new UsageError(`${quote(entry)} is ${what}. Name the file that node runs, ${example}`)
}

/** The version of the node at a path, such as `22.18.0`; `undefined` when it is not on this machine. */
function versionOf(node: string): string | undefined {
  if (node === process.execPath) return process.versions.node
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8', timeout: 5_000 })
  return /^v(\d+\.\d+\.\d+\S*)/.exec(stdout ?? '')?.[1]
}

/** Whether a version of Node runs TypeScript without a flag; see {@link TYPESCRIPT}. */
export function stripsTypes(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major === 22 ? minor >= 18 : major > 23 || (major === 23 && minor >= 6)
}
