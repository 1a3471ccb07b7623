import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { LONGEST_UNIX_PATH } from '@socket-port/core/supervisor'

const SUFFIX = '.sock'

/** The directories of control sockets. `run` creates its own in the first. Pure. */
export function controlDirectories(env: NodeJS.ProcessEnv, uid: number): string[] {
  const { XDG_RUNTIME_DIR } = env
  const shared = '/run/socket-port'
  const own = join(tmpdir(), `socket-port-${uid}`)
  const runtime =
    XDG_RUNTIME_DIR?.startsWith('/') === true ? [join(XDG_RUNTIME_DIR, 'socket-port')] : []
  return uid === 0 ? [...runtime, shared, own] : [...runtime, own, shared]
}

/** The id of the user as whom this process opens files. In a container, the user may be missing from /etc/passwd. */
export const ownUid = (): number => process.geteuid?.() ?? -1

export const ownDirectories = (): string[] => controlDirectories(process.env, ownUid())

/** The path of the control socket `name`, or of another socket beside it. Creates its directory, for this user alone. */
export function controlPath(
  name: string,
  directory: string = ownDirectories()[0] as string,
  suffix: string = SUFFIX,
): string {
  makeDirectory(directory)
  if (!isTrusted(directory)) {
    throw new Error(`${directory} ${whyUntrusted(directory)}, or pass --control PATH`)
  }
  return pathIn(directory, name, suffix)
}

/** Creates a directory and those above it. With `recursive`, mkdirSync of Node 20 never returns if the path is below /proc (ENOENT). */
function makeDirectory(directory: string): void {
  try {
    makeOne(directory)
  } catch (error) {
    const parent = dirname(directory)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === directory) throw error
    makeDirectory(parent)
    makeOne(directory)
  }
}

function makeOne(directory: string): void {
  try {
    mkdirSync(directory, 0o700)
  } catch (error) {
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) throw error
  }
}

/** The path of the control socket `name` in a directory; there may be no such socket. */
export function pathIn(directory: string, name: string, suffix: string = SUFFIX): string {
  const path = join(directory, `${name}${suffix}`)
  if (Buffer.byteLength(path) <= LONGEST_UNIX_PATH) return path
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 12)
  return join(directory, `${digest}${suffix}`)
}

/** The paths of all control sockets of this user and of root. Some may be of processes that have ended. */
export function findControlPaths(directories: readonly string[]): string[] {
  return directories.filter(isTrusted).flatMap((directory) => socketsIn(directory))
}

function socketsIn(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith(SUFFIX))
    return names.toSorted().map((name) => join(directory, name))
  } catch {
    return []
  }
}

/** Whether only this user or root can have put a socket into the directory. */
export function isTrusted(directory: string): boolean {
  const owner = soleWriter(directory)
  return owner === ownUid() || owner === 0
}

/**
 * Whether to trust the user `uid`, who listens on the control socket at `path`: this user and root are trusted.
 * Root also trusts the user in whose own directory the socket is.
 */
export function isTrustedPeer(path: string, uid: number): boolean {
  if (uid === ownUid() || uid === 0) return true
  return ownUid() === 0 && soleWriter(dirname(path)) === uid
}

/** What is wrong with a directory that is not trusted, and the repair. */
function whyUntrusted(directory: string): string {
  const stats = lstatSync(directory)
  const { uid, mode } = stats
  if (stats.isSymbolicLink()) return 'is a symlink; remove it'
  if (uid !== ownUid() && uid !== 0) return `belongs to another user (${uid}); remove it`
  return `can be changed by other users (mode ${(mode & 0o777).toString(8)}); run chmod go-w on it`
}

/** The only user, beside root, who may put files into the directory; `undefined` for a symlink too. */
function soleWriter(directory: string): number | undefined {
  const stats = lstatSync(directory, { throwIfNoEntry: false })
  if (stats === undefined || !stats.isDirectory() || (stats.mode & 0o022) !== 0) return undefined
  return stats.uid
}
