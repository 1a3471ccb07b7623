import { spawnSync } from 'node:child_process'
import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Whose rights a service has. */
export interface Rights {
  uid: number
  gids: readonly number[]
}

/** A user that owns nothing, as DynamicUser= makes it. */
export const STRANGER: Rights = { uid: -1, gids: [] }

/** The rights of a user of this machine; `undefined` where there is none of that name. */
export function rightsOf(user: string): Rights | undefined {
  const ask = (what: string): number[] => {
    const { status, stdout } = spawnSync('id', [what, '--', user], { encoding: 'utf8' })
    return status === 0 ? stdout.trim().split(' ').map(Number) : []
  }
  const [uid] = ask('-u')
  return uid === undefined ? undefined : { uid, gids: ask('-G') }
}

/**
 * The folder on the way to a file, or the file, that keeps somebody out; `undefined` where nothing
 * does. Of a file that is not on this machine, the folders count that are.
 */
export function barrier(path: string, rights: Rights): string | undefined {
  if (rights.uid === 0) return undefined
  const parts = [nearestReal(path)]
  while (parts[0] !== '/' && parts[0] !== undefined) parts.unshift(dirname(parts[0]))
  return parts.find((part) => !allows(part, rights))
}

function nearestReal(path: string): string {
  return realPath(path) ?? nearestReal(dirname(path))
}

/** A path without symbolic links; `undefined` where there is nothing, or where it may not be read. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

const READ = 0o4
const PASS = 0o1

// Lists of access control may say otherwise; they are rare on the way to a program.
function allows(path: string, { uid, gids }: Rights): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return true
  const wanted = stat.isDirectory() ? PASS : READ
  const bits =
    stat.uid === uid ? stat.mode >> 6 : gids.includes(stat.gid) ? stat.mode >> 3 : stat.mode
  return (bits & wanted) !== 0
}
