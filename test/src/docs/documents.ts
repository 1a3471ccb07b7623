import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url))

/** Each document that is there in Chinese too, with the same code. */
export const TRANSLATED: readonly { readonly document: string; readonly chinese: string }[] = [
  'README.md',
  'docs/api.md',
  'docs/comparison.md',
].map((document) => ({ document, chinese: document.replace('.md', '.zh.md') }))

const PACKAGES = ['cli', 'core', 'express', 'fastify', 'koa', 'nestjs', 'socket.io', 'ws']

/** Paths from the root of the repository. */
export const documents: readonly string[] = [
  'README.md',
  'README.zh.md',
  'CONTRIBUTING.md',
  'bench/README.md',
  ...PACKAGES.map((folder) => `packages/${folder}/README.md`),
  ...readdirSync(`${ROOT}docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** Each has a README that `shipped/examples.test.ts` follows. */
export const EXAMPLES: readonly { readonly name: string; readonly folder: string }[] = [
  'express',
  'fastify',
  'hapi',
  'hono',
  'koa',
  'nestjs',
  'node-http',
].map((name) => ({ name, folder: `examples/${name}` }))

/** Has a README that `shipped/systemd-ways.test.ts` follows. */
export const SYSTEMD_WAYS = 'examples/systemd'

/** Has a README whose commands `shipped/chat.test.ts` looks up. */
export const CHAT = 'examples/chat'

export const readRoot = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8')

export interface Manifest {
  name: string
  version: string
  packageManager: string
  engines: { node: string }
  repository: { url: string }
  scripts: Record<string, string>
  bin?: Record<string, string>
  exports?: Record<string, string | Record<string, string>>
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

export const manifestOf = (folder: string): Manifest =>
  JSON.parse(readRoot(`${folder === '' ? '' : `${folder}/`}package.json`)) as Manifest
