import { existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { quote } from '../base/quote.ts'
import { ownDirectories, ownUid } from '../control/path.ts'

// If one of these is set, the user has decided. Coverage is less precise with a cache (nodejs.org/api/module.html).
const DECIDED = ['NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE', 'NODE_V8_COVERAGE'] as const

/** The path of the folder in two parts: `base` must exist, and the folders `names` below it are created if they are missing. */
export interface CachePlace {
  base: string
  names: readonly string[]
}

export interface CompileCacheOptions {
  env?: NodeJS.ProcessEnv
  /** @default the cache folder of this user, then the one of its control sockets */
  places?: readonly CachePlace[]
  warn(message: string): void
}

/**
 * Returns a function that returns the folder for NODE_COMPILE_CACHE, in which Node keeps compiled code, or
 * `undefined` for none. Call it before each start: the folder is created and checked again. The first refusal
 * is a warning.
 */
export function compileCache(options: CompileCacheOptions): () => string | undefined {
  const { env = process.env, places = cachePlaces(env), warn } = options
  if (DECIDED.some((name) => env[name] !== undefined)) return () => undefined
  let isWarned = false
  return () => {
    const refusals: string[] = []
    for (const place of places) {
      try {
        return privateFolder(place)
      } catch (error) {
        // Other errors, such as EROFS, show that this user can create no folder there. Node works without one.
        if (error instanceof UntrustedFolder) refusals.push(error.message)
      }
    }
    const [refusal] = refusals
    if (refusal !== undefined && !isWarned) warn(`Node keeps no compiled code: ${refusal}`)
    isWarned ||= refusal !== undefined
    return undefined
  }
}

/** Where the folder may be, the best place first. */
export function cachePlaces(
  env: NodeJS.ProcessEnv,
  [runtime = '/run']: readonly string[] = ownDirectories(),
): CachePlace[] {
  const { XDG_CACHE_HOME = '' } = env
  const home = homeOf(env)
  const cache = isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : home && join(home, '.cache')
  const places = cache === undefined ? [] : [join(cache, 'socket-port')]
  return [...places, runtime].map((folder) => {
    const parent = dirname(folder)
    const names = [basename(folder), 'compile-cache']
    return existsSync(parent)
      ? { base: parent, names }
      : { base: dirname(parent), names: [basename(parent), ...names] }
  })
}

function homeOf({ HOME }: NodeJS.ProcessEnv): string | undefined {
  if (HOME !== undefined) return isAbsolute(HOME) ? HOME : undefined
  try {
    return homedir()
  } catch {
    // In a container, the user may be missing from /etc/passwd.
    return undefined
  }
}

/** Thrown for a folder into which another user could put code that this user would run. */
export class UntrustedFolder extends Error {}

/**
 * Returns the path of a folder that only the user `uid` can read and change; creates it if it is missing.
 * Every folder above it is checked too: a user who may rename one of them can replace this one.
 *
 * @throws {UntrustedFolder} if another user could change it; nothing was created in an untrusted folder
 */
export function privateFolder({ base, names }: CachePlace, uid: number = ownUid()): string {
  // The user may have moved the folder of all caches, and left a symlink.
  let folder = realpathSync(base)
  for (const part of partsOf(folder)) check(part, uid)
  for (const name of names) {
    folder = join(folder, name)
    try {
      mkdirSync(folder, 0o700)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    check(folder, uid)
  }
  const { uid: owner, mode } = lstatSync(folder)
  if (owner !== uid) throw refusal(folder, `belongs to user ${owner}`, 'remove it')
  if ((mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8)
    throw refusal(folder, `is open to other users (mode ${octal})`, 'remove it')
  }
  return folder
}

/** Throws unless only the user or root can replace what is in the folder. */
function check(folder: string, uid: number): void {
  const stats = lstatSync(folder)
  if (!stats.isDirectory()) {
    const kind = stats.isSymbolicLink() ? 'a symlink' : 'no folder'
    throw refusal(folder, `is ${kind}`, 'remove it')
  }
  if (stats.uid !== uid && stats.uid !== 0) {
    throw refusal(folder, `belongs to user ${stats.uid}`, 'run the command as that user')
  }
  // In a folder like /tmp, with the sticky bit, only the owner of a file can replace it.
  const isShared = (stats.mode & 0o022) !== 0 && (stats.mode & 0o1000) === 0
  if (isShared) throw refusal(folder, 'can be changed by other users', `chmod go-w ${folder}`)
}

const refusal = (folder: string, why: string, repair: string): UntrustedFolder =>
  new UntrustedFolder(
    `${quote(folder)} ${why}, so another user could put code into it. Pass --no-compile-cache, or ${repair}`,
  )

/** The path and every folder above it, from the root. */
const partsOf = (path: string): string[] =>
  path === '/' ? ['/'] : [...partsOf(dirname(path)), path]
