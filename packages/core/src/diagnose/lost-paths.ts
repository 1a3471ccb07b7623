import { lstatSync } from 'node:fs'
import { kernelPath, listeningSockets } from '../proc/sockets.ts'
import type { LostPath } from './rules/facts.ts'

/**
 * Returns the paths at which clients do not find the socket that was bound there: the file was removed,
 * or another socket was bound in its place. Skips abstract names, which have no file, relative paths, and
 * paths that this user may not look at.
 */
export function findLostPaths(paths: readonly string[]): LostPath[] {
  const files = new Set(paths.filter((path) => path.startsWith('/')))
  return [...files].flatMap((path): LostPath[] => {
    if (isGone(path)) return [{ path, now: 'gone' }]
    return listenersAt(path) > 1 ? [{ path, now: 'replaced' }] : []
  })
}

function isGone(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

// A path can be bound a second time only where it was removed before.
const listenersAt = (path: string): number =>
  listeningSockets().filter((socket) => socket.path === kernelPath(path)).length
