import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../', import.meta.url))
/** The pages that VitePress reads: copies at the paths of the repository, and the API below `api/`. */
export const PAGES = fileURLToPath(new URL('./.pages/', import.meta.url))
export const SITE = fileURLToPath(new URL('./dist/', import.meta.url))
/** Of the site, on GitHub Pages. */
export const BASE = '/socket-port/'
export const REPOSITORY = 'https://github.com/socket-port/socket-port'

/** Each published package, as its folder below `packages`. */
export const PUBLISHED = readdirSync(`${ROOT}packages`).filter(
  (folder) => !JSON.parse(readFileSync(`${ROOT}packages/${folder}/package.json`, 'utf8')).private,
)

/** A document as a page: the README of a folder is its index. */
export const pageOf = (document) => document.replace(/README\.md$/, 'index.md')

/** What becomes a page, as paths from the root of the repository. */
export const DOCUMENTS = [
  'README.md',
  'README.zh.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CODE_OF_CONDUCT.md',
  'bench/README.md',
  ...readdirSync(`${ROOT}docs`)
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
  ...PUBLISHED.flatMap((folder) => [
    `packages/${folder}/README.md`,
    `packages/${folder}/CHANGELOG.md`,
  ]),
  ...readdirSync(`${ROOT}examples`)
    .map((folder) => `examples/${folder}/README.md`)
    .filter((file) => existsSync(`${ROOT}${file}`)),
]
