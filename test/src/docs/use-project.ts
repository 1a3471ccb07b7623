import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './documents.ts'
import type { PackedPackages } from './packed.ts'
import { asCommonJs, DOCUMENTED_PORTS, type Program, programsOf } from './programs.ts'
import { TSC } from './project.ts'
import type { Use } from './published.ts'
import { type Ended, run } from './run.ts'

export type Manager = 'npm' | 'pnpm'

/** A project outside the workspace, empty but for what its user installs in it. */
export class UseProject {
  readonly #packed: PackedPackages
  readonly #use: Use
  readonly #manager: Manager
  readonly #dir: string

  constructor(packed: PackedPackages, use: Use, manager: Manager) {
    this.#packed = packed
    this.#use = use
    this.#manager = manager
    this.#dir = packed.project(`${use.title} ${manager}`.replaceAll(' ', '-'))
    // What every program of Nest has.
    this.#copy('test/fixtures/docs/app.module.js')
  }

  /** Types what the README says, and what a consumer in TypeScript types then. */
  async install(): Promise<Ended[]> {
    const { before, install, types = '' } = this.#use
    const add = this.#manager === 'npm' ? 'npm i' : 'pnpm add'
    const lines = [before, install, `-D @types/node@20 ${types}`.trim()]
    const ended: Ended[] = []
    for (const names of lines.filter((line) => line !== undefined)) {
      ended.push(await this.#packed.run(`${add} ${this.#packed.withCommand(names)}`, this.#dir))
    }
    return ended
  }

  /** Runs the code of a module, with these options of Node. */
  async run(name: string, code: string, ...options: readonly string[]): Promise<Ended> {
    return run(process.execPath, [...options, this.#write(name, code)], { cwd: this.#dir })
  }

  /** A file with the program of the README for a port, as a module of that kind. */
  program(kind: 'import' | 'require', port: number): string {
    const code = this.source.code.replace(DOCUMENTED_PORTS, String(port))
    return kind === 'import'
      ? this.#write(`app-${port}.mjs`, code)
      : this.#write(`app-${port}.cjs`, asCommonJs(code))
  }

  get source(): Program {
    const [document, index = 0] = this.#use.program
    const program = programsOf(document)[index]
    if (program === undefined) throw new Error(`${document} has no program ${index}`)
    return program
  }

  /** Compiles the consumers in TypeScript, and one that says which values each module exports. */
  async compile(exported: Readonly<Record<string, readonly string[]>>): Promise<Ended> {
    const [folder, ...others] = this.#use.consumers
    const consumers = readdirSync(join(ROOT, folder)).filter((name) => /\.[cm]ts$/.test(name))
    const wanted = consumers.filter((name) => !others.includes(name))
    for (const name of [...wanted, 'tsconfig.json']) this.#copy(join(folder, name), 'types')
    this.#write('types/names.mts', Object.entries(exported).map(sameNames).join(''))
    // The workspace leaves out what its own version of the framework does not have.
    const config = { extends: './tsconfig.json', exclude: [] }
    const path = this.#write('types/tsconfig.use.json', JSON.stringify(config))
    return run(process.execPath, [TSC, '-p', path])
  }

  #write(name: string, text: string): string {
    const path = join(this.#dir, name)
    writeFileSync(path, text)
    return path
  }

  #copy(path: string, folder = '.'): void {
    const target = join(this.#dir, folder)
    mkdirSync(target, { recursive: true })
    copyFileSync(join(ROOT, path), join(target, path.slice(path.lastIndexOf('/'))))
  }
}

/** It compiles if the types of a module declare just these values: no class as one that is exported as a type only. */
function sameNames([specifier, names]: [string, readonly string[]], n: number): string {
  const entries = names.map((name) => [name, true])
  return `import * as module${n} from '${specifier}'
export const names${n}: Record<keyof typeof module${n}, true> = ${JSON.stringify(Object.fromEntries(entries))}
`
}
