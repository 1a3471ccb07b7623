// Reads /proc. A file that is not there, because its process has ended, counts as empty; so does one of another user.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The names in a directory. */
export function readNames(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** The content of a file. */
export function readFile(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

/** The target of a symlink. */
export function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
