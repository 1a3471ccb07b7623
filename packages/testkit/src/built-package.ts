import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** The built files of a package of the workspace, for its tests. */
export class BuiltPackage {
  readonly #folder: string

  /** `folder` is that of the package: `new URL('..', import.meta.url)` in a file of its `src`. */
  constructor(folder: URL) {
    this.#folder = fileURLToPath(folder)
  }

  /** Runs a program that imports the package by its name, with only these environment variables. */
  run(type: 'commonjs' | 'module', program: string): Outcome {
    return this.#node(`--input-type=${type}`, '--eval', program)
  }

  /** Runs the TypeScript compiler with a configuration in the folder `types`. */
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
