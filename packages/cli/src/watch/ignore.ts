import { relative, sep } from 'node:path'
import picomatch from 'picomatch'

/**
 * Patterns that are never watched: files that people do not edit, temporary files of editors, and logs. A
 * restart writes to a log, which would cause the next restart.
 */
export const alwaysIgnored: readonly string[] = [
  'node_modules',
  '.git',
  '*.log',
  '*~',
  '.*.sw?',
  '.#*',
]

/**
 * Returns a function that tells whether a path below one of the roots is ignored. A pattern without a slash is
 * matched against each name in the path, a pattern with a slash against the whole path from the root.
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
    // The user asked for the root, so its own name does not matter.
    if (below === undefined || below === '') return false
    return (
      below.split('/').some((name) => ofName.some((matches) => matches(name))) ||
      ofPath.some((matches) => matches(below))
    )
  }
}

/** The path from the innermost root, since the user may name a root inside an ignored folder of another root. */
function shortest(paths: readonly string[]): string | undefined {
  return paths
    .filter((path) => path !== '..' && !path.startsWith('../'))
    .sort((a, b) => a.length - b.length)[0]
}
