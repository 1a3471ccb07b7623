import { lstatSync } from 'node:fs'
import { kernelPath, listeningSockets } from '../proc/sockets.ts'
import type { LostPath } from './rules/facts.ts'

/**
 * Which of the paths lead no client to the socket that was bound there: the file was removed, or
 * another socket was bound in its place. Abstract names have no file; what may not be looked at, and a
 * relative path, says nothing.
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
