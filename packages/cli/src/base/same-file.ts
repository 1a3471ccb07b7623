import { type BigIntStats, lstatSync } from 'node:fs'

/** What stands at a path; `undefined` when nothing does, or it cannot be asked. A symlink is not followed. */
export function statAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true })
  } catch {
    return undefined
  }
}

/** Whether the same file still stands at the path. */
export function isStillAt(path: string, file: BigIntStats | undefined): boolean {
  const now = statAt(path)
  return file !== undefined && now?.dev === file.dev && now.ino === file.ino
}
