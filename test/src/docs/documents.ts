import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url))

/** Has the code of README.md. */
export const TRANSLATION = 'README.zh.md'

/** Paths from the root of the repository. */
export const documents: readonly string[] = [
  'README.md',
  TRANSLATION,
  'CONTRIBUTING.md',
  'packages/core/README.md',
  ...readdirSync(`${ROOT}docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

export const readRoot = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8')

export interface Manifest {
  name: string
  packageManager: string
  repository: { url: string }
  scripts: Record<string, string>
  optionalDependencies: Record<string, string>
}

export const manifestOf = (folder: string): Manifest =>
  JSON.parse(readRoot(`${folder === '' ? '' : `${folder}/`}package.json`)) as Manifest
