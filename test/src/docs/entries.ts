import { join } from 'node:path/posix'
import type { Packed } from './packed.ts'

// `require$1` is what the bundler calls the function that createRequire has made.
const IMPORTS = /\b(?:from |import |(?:import|require\$\d)\()["'](\.[^"']+)["']/g

/** The files that a packed package names in `exports` and `bin`: what programs load, and the types of that. */
export function entriesOf({ manifest: { exports = {}, bin = {} } }: Packed): string[] {
  return [...Object.values(exports), bin]
    .flatMap((entry) => (typeof entry === 'string' ? entry : Object.values(entry)))
    .filter((file) => file.startsWith('./dist/'))
    .map((file) => file.slice(2))
}

/** An entry, and all files of the package that it imports, at once or later, and through others. */
export async function filesBehind(entry: string, packed: Packed): Promise<Set<string>> {
  const found = new Set([entry])
  // What is added to a set in a loop over it is visited too.
  for (const file of found) {
    const code = await packed.read(file)
    for (const [, path = ''] of code.matchAll(IMPORTS)) {
      const imported = join(file, '..', path)
      found.add(/\.d\.c?ts$/.test(file) ? imported.replace(/\.js$/, '.d.ts') : imported)
    }
  }
  return found
}
