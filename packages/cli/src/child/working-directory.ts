import { statSync } from 'node:fs'
import { resolve } from 'node:path'

/**
 * The directory in which processes start: `cwd`, else the directory of this process, by the path of the
 * shell. A symlink in it is followed when a process starts, so that a new release is found.
 */
export function workingDirectory(cwd: string | undefined): string {
  const logical = process.env.PWD
  const start = logical !== undefined && isHere(logical) ? logical : process.cwd()
  return cwd === undefined ? start : resolve(start, cwd)
}

function isHere(path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false })
  const here = statSync('.')
  return path.startsWith('/') && there?.ino === here.ino && there.dev === here.dev
}
