import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build as esbuild } from 'esbuild'
import { build as rolldown } from 'rolldown'

export interface BundleOptions {
  bundler: 'esbuild' | 'rolldown'
  format: 'cjs' | 'esm'
  /** A program of `test/fixtures` that imports nothing but Node's own modules and core. */
  program: string
  /** Text before the bundle. */
  banner?: string
}

/** One file in a folder that has no node_modules, nor has any folder above it. */
export interface Bundle {
  folder: string
  file: string
  /** What the bundler has warned of. */
  warnings: readonly string[]
  /** Puts the platform package with native code beside it. */
  addNative(): void
  dispose(): void
}

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Puts core into the node_modules of a folder, without what it depends on. */
export function installCore(folder: string): void {
  const core = join(folder, 'node_modules/@socket-port/core')
  mkdirSync(core, { recursive: true })
  for (const part of ['package.json', 'dist']) {
    cpSync(fromRoot(`packages/core/${part}`), join(core, part), { recursive: true })
  }
}

/** Puts the platform package there. */
export function installNative(folder: string): void {
  const library = `@koromix/koffi-${process.platform}-${process.arch}`
  const installed = createRequire(import.meta.url).resolve(`${library}/package.json`)
  cpSync(dirname(installed), join(folder, 'node_modules', library), { recursive: true })
}

/** Bundles a program with core as it is installed, and moves the file away from all packages. */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const { bundler, format, program, banner = '' } = options
  const source = mkdtempSync(join(tmpdir(), 'socket-port-source-'))
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-bundle-'))
  // For a service of another user.
  chmodSync(folder, 0o755)
  const file = join(folder, format === 'cjs' ? 'server.cjs' : 'server.mjs')
  const input = join(source, 'server.mjs')
  try {
    cpSync(fromRoot(`test/fixtures/${program}`), input)
    installCore(source)
    const warnings = await { esbuild: withEsbuild, rolldown: withRolldown }[bundler]({
      input,
      file,
      format,
      banner,
    })
    return {
      folder,
      file,
      warnings,
      addNative() {
        installNative(folder)
      },
      dispose: () => rmSync(folder, { recursive: true, force: true }),
    }
  } finally {
    rmSync(source, { recursive: true, force: true })
  }
}

interface Work {
  input: string
  file: string
  format: 'cjs' | 'esm'
  banner: string
}

async function withEsbuild({ input, file, format, banner }: Work): Promise<string[]> {
  const { warnings } = await esbuild({
    entryPoints: [input],
    outfile: file,
    format,
    banner: { js: banner },
    bundle: true,
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
  })
  return warnings.map(({ text }) => text)
}

async function withRolldown({ input, file, format, banner }: Work): Promise<string[]> {
  const warnings: string[] = []
  await rolldown({
    input,
    platform: 'node',
    output: { file, format, banner, codeSplitting: false },
    onLog: (_level, { message }) => void warnings.push(message),
  })
  return warnings
}
