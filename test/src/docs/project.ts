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
import { dirname, join } from 'node:path'
import { selfSigned } from '@socket-port/testkit/certificate'
import { ROOT } from './documents.ts'
import { type Program, withPorts } from './programs.ts'

const FIXTURES = `${ROOT}test/fixtures/docs/`

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

/** What the programs in the docs find in `node_modules`, and the workspace that has it. */
const MODULES: Readonly<Record<string, readonly string[]>> = {
  test: [
    '@hapi',
    '@nestjs',
    '@opentelemetry',
    '@socket-port/core',
    '@socket-port/express',
    '@socket-port/fastify',
    '@socket-port/koa',
    '@socket-port/nestjs',
    '@socket-port/socket.io',
    '@socket-port/ws',
    '@types/node',
    '@types/ws',
    'express',
    'fastify',
    'koa',
    'prom-client',
    'socket.io',
    'ws',
  ],
  'packages/express': ['@types/express'],
  'packages/koa': ['@types/koa'],
}

/** A folder outside the workspace whose programs find the built packages, frameworks and types. */
export class Project {
  readonly dir: string

  constructor() {
    this.dir = mkdtempSync(join(realpathSync(tmpdir()), 'socket-port-docs-'))
    for (const [workspace, names] of Object.entries(MODULES)) {
      for (const name of names) {
        const link = join(this.dir, 'node_modules', name)
        mkdirSync(dirname(link), { recursive: true })
        symlinkSync(join(ROOT, workspace, 'node_modules', name), link)
      }
    }
    for (const file of ['ambient.d.ts', 'app.module.d.ts', 'app.module.js']) {
      copyFileSync(`${FIXTURES}${file}`, join(this.dir, file))
    }
    const { key, cert } = selfSigned()
    this.write('key.pem', key)
    this.write('cert.pem', cert)
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
    return this.write(`${name}-${variant}.mjs`, withPorts(source, port))
  }

  remove(): void {
    rmSync(this.dir, { recursive: true })
  }
}

export const TSC: string = `${ROOT}node_modules/typescript/bin/tsc`
