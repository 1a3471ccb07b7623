import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../docs/documents.ts'

/** The folder of the programs, as in the Dockerfile of docs/docker.md. */
export const WORKDIR = '/srv/app'

/**
 * Writes the root file system of an image, as a tar file: this Node, a shell, `env`, the built packages, and programs
 * by their file names.
 */
export function writeImage(tar: string, programs: Readonly<Record<string, string>>): void {
  const root = `${tar}.root`
  const app = join(root, WORKDIR)
  for (const folder of ['bin', 'tmp', 'usr/bin', `${WORKDIR}/node_modules/.bin`]) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  const commands = {
    [process.execPath]: 'usr/bin/node',
    '/bin/sh': 'bin/sh',
    '/usr/bin/env': 'usr/bin/env',
  }
  for (const [path, target] of Object.entries(commands)) copy(path, join(root, target))
  const native = join(ROOT, 'packages/core/node_modules/@koromix')
  cpSync(native, join(app, 'node_modules/@koromix'), { recursive: true, dereference: true })
  for (const [folder, name] of [
    ['core', '@socket-port/core'],
    ['cli', 'socket-port'],
  ] as const) {
    for (const part of ['package.json', 'dist']) {
      const source = join(ROOT, 'packages', folder, part)
      cpSync(source, join(app, 'node_modules', name, part), { recursive: true })
    }
  }
  // As npm does.
  chmodSync(join(app, 'node_modules/socket-port/dist/main.js'), 0o755)
  symlinkSync('../socket-port/dist/main.js', join(app, 'node_modules/.bin/socket-port'))
  for (const library of librariesOf(Object.keys(commands))) copy(library, join(root, library))
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(app, name), text)
  execFileSync('tar', ['-C', root, '-cf', tar, '.'])
  rmSync(root, { recursive: true })
}

function copy(path: string, target: string): void {
  cpSync(path, target, { dereference: true })
}

/** The paths of shared libraries, and of their loader, by which these programs are run here. */
function librariesOf(programs: readonly string[]): Set<string> {
  const lines = execFileSync('ldd', [...programs], { encoding: 'utf8' })
  return new Set([...lines.matchAll(/^\s.*?(\/\S+) \(0x/gm)].map(([, path = '']) => path))
}
