import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './documents.ts'
import { DOCUMENTED_PORTS, type Program } from './programs.ts'

const FIXTURES = `${ROOT}test/fixtures/docs/`

/** Arguments of `node` that come before the file of a program from {@link Project.prepare}. */
export const PRELUDE: readonly string[] = ['--import', `${FIXTURES}prelude.mjs`]

const COMPILER_OPTIONS = {
  target: 'es2023',
  module: 'nodenext',
  moduleDetection: 'force',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  types: ['node'],
  rootDir: '.',
  outDir: 'emitted',
}

/** A folder outside the workspace whose programs find the built core, hapi and the types of Node. */
export class Project {
  readonly dir: string

  constructor() {
    this.dir = mkdtempSync(join(realpathSync(tmpdir()), 'socket-port-docs-'))
    mkdirSync(join(this.dir, 'node_modules/@socket-port'), { recursive: true })
    symlinkSync(`${ROOT}packages/core`, join(this.dir, 'node_modules/@socket-port/core'))
    for (const scope of ['@types', '@hapi']) {
      symlinkSync(`${ROOT}test/node_modules/${scope}`, join(this.dir, 'node_modules', scope))
    }
    copyFileSync(`${FIXTURES}ambient.d.ts`, join(this.dir, 'ambient.d.ts'))
    this.write('package.json', '{ "type": "module" }')
    this.write('tsconfig.json', JSON.stringify({ compilerOptions: COMPILER_OPTIONS }))
  }

  write(name: string, text: string): string {
    const path = join(this.dir, name)
    writeFileSync(path, text)
    return path
  }

  /** Compiles the programs under strict; returns what the compiler says. */
  compile(programs: readonly Program[]): string {
    for (const { name, code } of programs) this.write(`${name}.mts`, code)
    return spawnSync(process.execPath, [TSC, '-p', this.dir], { encoding: 'utf8' }).stdout
  }

  /** A file that runs a compiled program, with its ports replaced. */
  prepare({ name, language, code }: Program, variant: string, port: number): string {
    const source =
      language === 'js' ? code : readFileSync(join(this.dir, `emitted/${name}.mjs`), 'utf8')
    return this.write(`${name}-${variant}.mjs`, source.replace(DOCUMENTED_PORTS, String(port)))
  }

  remove(): void {
    rmSync(this.dir, { recursive: true })
  }
}

export const TSC: string = `${ROOT}node_modules/typescript/bin/tsc`
