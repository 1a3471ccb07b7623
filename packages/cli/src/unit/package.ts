import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'

/** What is known of the package that a program belongs to. */
export interface Package {
  folder: string
  /** Without its scope; `undefined` where package.json has none. */
  name: string | undefined
}

interface Manifest {
  name?: unknown
  main?: unknown
  scripts?: { start?: unknown }
}

// Folders of a package that say nothing of it. Builds put a package.json of their own there, with a
// type and without a name.
const INNER = ['.output', 'bin', 'build', 'cjs', 'dist', 'esm', 'lib', 'out', 'server', 'src']

// Names of a program that say nothing of the service.
const GENERIC = ['app', 'index', 'main', 'server', 'start', 'www']

/** Finds the package of a program: the nearest package.json, but for those inside of a build. */
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
 * The name of a program: `worker` for worker.js; for a server.js that of its package, or else of its
 * folder.
 */
export function programName(entry: string, own: Package | undefined): string {
  const name = basename(entry, extname(entry))
  if (!GENERIC.includes(name)) return name
  if (own?.name !== undefined) return own.name
  const folders = own === undefined ? foldersAbove(entry) : [own.folder]
  const telling = folders.map((folder) => basename(folder)).find((one) => !INNER.includes(one))
  return telling || name
}

/** The program that a package.json starts, as it says it; `undefined` where it does not say. */
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
    return {} // What it is worth is for node to say.
  }
}

// A unit is named with fewer characters than a package may be.
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
