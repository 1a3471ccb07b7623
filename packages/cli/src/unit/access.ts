import { spawnSync } from 'node:child_process'
import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** The user and the groups of a service. */
export interface Rights {
  uid: number
  gids: readonly number[]
}

/** A user that owns no file, such as the one of DynamicUser=. */
export const OTHER_USER: Rights = { uid: -1, gids: [] }

/** The rights of a user of this machine; `undefined` if there is no user of that name. */
export function rightsOf(user: string): Rights | undefined {
  const ask = (what: string): number[] => {
    const { status, stdout } = spawnSync('id', [what, '--', user], { encoding: 'utf8' })
    return status === 0 ? stdout.trim().split(' ').map(Number) : []
  }
  const [uid] = ask('-u')
  return uid === undefined ? undefined : { uid, gids: ask('-G') }
}

/**
 * The first part of a path, a folder or the file itself, that a user with these rights cannot open; `undefined` if the user
 * can open all of it. For a file that does not exist here, the folders that exist are checked.
 */
export function closedPart(path: string, rights: Rights): string | undefined {
  if (rights.uid === 0) return undefined
  const parts = [nearestReal(path)]
  while (parts[0] !== '/' && parts[0] !== undefined) parts.unshift(dirname(parts[0]))
  return parts.find((part) => !allows(part, rights))
}

function nearestReal(path: string): string {
  return realPath(path) ?? nearestReal(dirname(path))
}

/** A path without symbolic links; `undefined` when nothing exists there, or it may not be read. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

const READ = 0o4
const SEARCH = 0o1

// Access control lists (acl(5)) are not read: they are rare on the path of a program.
function allows(path: string, { uid, gids }: Rights): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return true
  const wanted = stat.isDirectory() ? SEARCH : READ
  const bits =
    stat.uid === uid ? stat.mode >> 6 : gids.includes(stat.gid) ? stat.mode >> 3 : stat.mode
  return (bits & wanted) !== 0
}
