import { relative, sep } from 'node:path'
import picomatch from 'picomatch'

/**
 * What is never watched: what nobody edits, what editors write beside what they edit, and logs, which
 * a program that is restarted for them would write again.
 */
export const alwaysIgnored: readonly string[] = [
  ...['node_modules', '.git', '*.log'],
  ...['*~', '.*.sw?', '.#*'],
]

/**
 * Returns whether a path below one of the roots is ignored. A pattern without a slash is matched
 * against each name on the way, one with a slash against the whole path from the root.
 */
export function ignoring(
  roots: readonly string[],
  patterns: readonly string[],
): (path: string) => boolean {
  const all = [...alwaysIgnored, ...patterns.map((pattern) => pattern.replace(/^\.\/|\/$/g, ''))]
  const options = { dot: true }
  const ofName = all.filter((pattern) => !pattern.includes('/')).map((p) => picomatch(p, options))
  const ofPath = all.filter((pattern) => pattern.includes('/')).map((p) => picomatch(p, options))
  return (path) => {
    const below = shortest(roots.map((root) => relative(root, path).split(sep).join('/')))
    // The root itself was asked for, whatever it is called.
    if (below === undefined || below === '') return false
    return (
      below.split('/').some((name) => ofName.some((matches) => matches(name))) ||
      ofPath.some((matches) => matches(below))
    )
  }
}

/** The path from the innermost root: one in an ignored folder of another was asked for as well. */
function shortest(paths: readonly string[]): string | undefined {
  return paths
    .filter((path) => path !== '..' && !path.startsWith('../'))
    .sort((a, b) => a.length - b.length)[0]
}
