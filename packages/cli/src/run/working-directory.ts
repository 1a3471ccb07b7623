import { statSync } from 'node:fs'
import { resolve } from 'node:path'

/**
 * Where processes start: `cwd`, else where this process is, by the path that the shell came by. A
 * symlink in either is followed when a process starts, so that a new release is found.
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
