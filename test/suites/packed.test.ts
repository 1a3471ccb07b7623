import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import * as core from '@socket-port/core'
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { INSTALL } from '../src/docs/commands.ts'
import { type Manifest, ROOT, readRoot } from '../src/docs/documents.ts'
import { type Ended, PackedCore } from '../src/docs/packed.ts'
import { type Program, programsOf } from '../src/docs/programs.ts'
import { TSC } from '../src/docs/project.ts'
import { startGeneration } from '../src/generation.ts'
import { openListener } from '../src/native.ts'
import { endProcesses } from '../src/processes.ts'

const packed = new PackedCore()
afterAll(() => packed.remove())
afterEach(endProcesses)

const [firstProgram] = programsOf('README.md') as [Program]
const bin = (tool: string): string => join(ROOT, 'test/node_modules/.bin', tool)

describe('the tarball', () => {
  const files = spawnSync('tar', ['-tzf', packed.tarball], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n')
    .map((file) => file.replace(/^package\//, ''))
  const read = (file: string): string =>
    spawnSync('tar', ['-xzOf', packed.tarball, `package/${file}`], { encoding: 'utf8' }).stdout

  test('holds the built sources and three files more, and nothing else', () => {
    const built = files.filter((file) => file.startsWith('dist/'))
    const others = files.filter((file) => !file.startsWith('dist/'))
    expect(others.sort()).toEqual(['LICENSE', 'README.md', 'package.json'])
    const stray = built.filter((file) => {
      const source = /^dist\/(.+?)(?:\.d\.ts|\.js)$/.exec(file)?.[1]
      const isTest = source === undefined || /\.test$|^testing\//.test(source)
      // What a build before this one left behind has no source any more.
      return isTest || !existsSync(join(ROOT, `packages/core/src/${source}.ts`))
    })
    expect(stray).toEqual([])
    expect(built).toContain('dist/index.js')
  })

  test('has the licence of the repository, and a README', () => {
    expect(read('LICENSE')).toBe(readRoot('LICENSE'))
    expect(read('README.md')).toBe(readRoot('packages/core/README.md'))
  })

  test('runs nothing when it is installed, and needs nothing but what is optional', () => {
    const manifest = JSON.parse(read('package.json')) as Manifest & Record<string, unknown>
    const atInstall = ['preinstall', 'install', 'postinstall', 'prepare']
    expect(atInstall.filter((name) => name in manifest.scripts)).toEqual([])
    expect(manifest).not.toHaveProperty('dependencies')
    for (const [name, version] of Object.entries(manifest.optionalDependencies)) {
      expect(name).toMatch(/^@koromix\/koffi-linux-\w+$/)
      expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    }
  })

  test('pleases publint', () => {
    const { status, stdout } = run(bin('publint'), ['run', packed.tarball, '--strict'])
    expect(stdout).toContain('All good!')
    expect(status).toBe(0)
  })

  test('has types that every resolution of ESM finds', () => {
    const flags = ['--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji']
    const { status, stdout } = run(bin('attw'), [packed.tarball, ...flags])
    expect(status, stdout).toBe(0)
  })
})

describe.each(INSTALL)('%s', (line) => {
  const folder = line.split(' ')[0] ?? ''
  const project = join(packed.dir, folder)
  const installed = packed.install(line, folder)

  test('succeeds without a warning', () => {
    expect(installed).toMatchObject({ status: 0, stderr: '' })
    expect(installed.stdout).not.toMatch(/warn|deprecat|ignored|vulnerab|\bERR/i)
  })

  test('gives what import and require find, alike and without a warning', () => {
    const print = 'console.log(JSON.stringify(Object.keys(core).sort()))'
    const names = `${JSON.stringify(Object.keys(core).sort())}\n`
    const asEsm = write('a.mjs', `import * as core from '@socket-port/core'\n${print}`)
    const asCjs = write('a.cjs', `const core = require('@socket-port/core')\n${print}`)
    for (const file of [asEsm, asCjs]) {
      expect(run(process.execPath, [file])).toMatchObject({ status: 0, stdout: names, stderr: '' })
    }
  })

  test.each(['bound', 'inherited'])('runs the first program of the README: %s', async (source) => {
    const listener = openListener()
    onTestFinished(listener.close)
    if (source === 'bound') listener.close()
    const { port } = listener
    const script = write(`${source}.mjs`, firstProgram.code.replaceAll('8080', String(port)))
    const sockets = source === 'bound' ? [] : [{ fd: listener.fd }]
    const generation = startGeneration({ script, sockets })
    await generation.said(/\n/)
    expect(await ask(port)).toBe('hello\n')
    generation.signal('SIGTERM')
    expect(await generation.exit).toMatchObject({ code: 0 })
    const { stdout, stderr } = generation
    expect({ stdout, stderr }).toEqual({
      stdout: `http://localhost:${port} is ${source}\n`,
      stderr: '',
    })
  })

  test('has types that hold under strict, in ESM and in CommonJS', () => {
    const types = join(project, 'node_modules/@types')
    symlinkSync(join(ROOT, 'test/node_modules/@types'), types)
    for (const file of ['consumer.mts', 'consumer.cts']) {
      copyFileSync(join(ROOT, 'test/fixtures/types', file), join(project, file))
    }
    write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['consumer.*'] }))
    expect(run(process.execPath, [TSC, '-p', project])).toMatchObject({ stdout: '', status: 0 })
  })

  function write(name: string, content: string): string {
    const path = join(project, name)
    writeFileSync(path, content)
    return path
  }
})

// skipLibCheck is off: the declarations that ship are checked too.
const compilerOptions = {
  target: 'es2022',
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  types: ['node'],
}

// Its own environment: NODE_OPTIONS and the like of this process must not reach it.
function run(file: string, args: readonly string[]): Ended {
  const { PATH, HOME } = process.env
  return spawnSync(file, args, { encoding: 'utf8', env: { PATH, HOME } })
}

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, (response) => resolve(text(response))).on(
      'error',
      reject,
    )
  })
}
