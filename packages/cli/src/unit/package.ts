import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'

/** The package that a program belongs to. */
export interface Package {
  folder: string
  /** Without its scope; `undefined` when package.json has no name. */
  name: string | undefined
}

interface Manifest {
  name?: unknown
  main?: unknown
  scripts?: { start?: unknown }
}

// Folders in a package whose names do not describe the package. Builds put a package.json of their own there, with a type
// and without a name.
const INNER = ['.output', 'bin', 'build', 'cjs', 'dist', 'esm', 'lib', 'out', 'server', 'src']

// Names of a program that do not describe the service.
const GENERIC = ['app', 'index', 'main', 'server', 'start', 'www']

/** Finds the package of a program: the nearest package.json that does not belong to a build. */
export function packageOf(entry: string): Package | undefined {
  for (const folder of foldersAbove(entry)) {
    const manifest = manifestIn(folder)
    if (manifest === undefined) continue
    const name = typeof manifest.name === 'string' ? unscoped(manifest.name) : ''
    if (name !== '') return { folder, name }
    if (!INNER.includes(basename(folder))) return { folder, name: undefined }
  }
  return undefined
}

/**
 * The name for the units of a program: `worker` for worker.js. A generic name such as server.js is replaced
 * by the name of its package, or else of its folder.
 */
export function programName(entry: string, own: Package | undefined): string {
  const name = basename(entry, extname(entry))
  if (!GENERIC.includes(name)) return name
  if (own?.name !== undefined) return own.name
  const folders = own === undefined ? foldersAbove(entry) : [own.folder]
  const descriptive = folders.map((folder) => basename(folder)).find((one) => !INNER.includes(one))
  return descriptive || name
}

/** The program that a package.json names in `scripts.start` or `main`; `undefined` when it names none. */
export function startedBy(folder: string): string | undefined {
  const { main, scripts } = manifestIn(folder) ?? {}
  const start = typeof scripts?.start === 'string' ? scripts.start : ''
  const program = /^node (?:-\S+ )*([^\s-]\S*)/.exec(start)?.[1]
  return program ?? (typeof main === 'string' ? main : undefined)
}

function manifestIn(folder: string): Manifest | undefined {
  const path = join(folder, 'package.json')
  if (!existsSync(path)) return undefined
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return typeof manifest === 'object' && manifest !== null ? manifest : {}
  } catch {
    return {} // node itself reports what is wrong with it.
  }
}

// The name of a unit may contain fewer characters than the name of a package.
const unscoped = (name: string): string =>
  name
    .replace(/^@[^/]*\//, '')
    .replace(/[^\w.-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')

/** The nearest first. */
function foldersAbove(entry: string): string[] {
  const folders = [dirname(entry)]
  for (;;) {
    const folder = folders.at(-1) ?? ''
    if (dirname(folder) === folder) return folders
    folders.push(dirname(folder))
  }
}
