import { type BigIntStats, lstatSync, rmSync } from 'node:fs'

/** Facts about the file at a path; `undefined` if there is none, or this user may not ask. Does not follow a symlink. */
export function statAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true })
  } catch {
    return undefined
  }
}

/** Whether the path still leads to the same file. */
export function isStillAt(path: string, file: BigIntStats | undefined): boolean {
  const now = statAt(path)
  return file !== undefined && now?.dev === file.dev && now.ino === file.ino
}

/** Removes the file, if the path still leads to it. Does nothing if it cannot be removed: its directory may be read-only by now. */
export function removeIfStillAt(path: string, file: BigIntStats | undefined): void {
  if (!isStillAt(path, file)) return
  try {
    rmSync(path)
  } catch {
    // The next process finds that no server answers on the path, and replaces the file.
  }
}
