import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A package of the workspace, as its tests use what was built of it. */
export class BuiltPackage {
  readonly #folder: string

  /** `folder` is the package's, as `new URL('..', import.meta.url)` gives it in `src`. */
  constructor(folder: URL) {
    this.#folder = fileURLToPath(folder)
  }

  /** Runs a program that finds the package by its name, in an environment of its own. */
  run(type: 'commonjs' | 'module', program: string): Outcome {
    return this.#node(`--input-type=${type}`, '--eval', program)
  }

  /** Runs the compiler on a configuration of the folder `types`. */
  compile(config: string): Outcome {
    const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
    return this.#node(manifest.replace('package.json', 'bin/tsc'), '-p', `types/${config}`)
  }

  #node(...args: string[]): Outcome {
    const options = { cwd: this.#folder, encoding: 'utf8' } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, args, options)
    return { status, stdout, stderr }
  }
}

export type Outcome = Pick<SpawnSyncReturns<string>, 'status' | 'stdout' | 'stderr'>
