import { join } from 'node:path'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ROOT, readRoot } from '../src/docs/documents.ts'
import { entriesOf, filesBehind } from '../src/docs/entries.ts'
import { PackedPackages } from '../src/docs/packed.ts'
import { USES } from '../src/docs/published.ts'
import { type Ended, run } from '../src/docs/run.ts'
import { runProgram } from '../src/docs/run-program.ts'
import { UseProject } from '../src/docs/use-project.ts'

const packed = await PackedPackages.create()
afterAll(() => packed.remove())
afterEach(endProcesses)

const bin = (tool: string): string => join(ROOT, 'test/node_modules/.bin', tool)

describe.each(packed.packages)('the tarball of $name', (tarball) => {
  const { file, files, folder, manifest, command = false } = tarball
  const entries = entriesOf(tarball)

  test('holds what its entries load, and three files more', async () => {
    const others = files.filter((path) => !path.startsWith('dist/'))
    expect(others.sort()).toEqual(['LICENSE', 'README.md', 'package.json'])
    const behind = await Promise.all(entries.map((entry) => filesBehind(entry, tarball)))
    const loaded = new Set(behind.flatMap((found) => [...found]))
    expect(files.filter((path) => !others.includes(path)).sort()).toEqual([...loaded].sort())
  })

  test('declares its types in one file for each entry, and in what entries share', async () => {
    const isDeclaration = (path: string): boolean => /\.d\.c?ts$/.test(path)
    const declarations = entries.filter(isDeclaration)
    expect(declarations).toHaveLength(command ? 0 : entries.length / 2)
    const behind = await Promise.all(declarations.map((entry) => filesBehind(entry, tarball)))
    const shared = files.filter((path) => isDeclaration(path) && !declarations.includes(path))
    for (const path of shared) {
      expect(behind.filter((found) => found.has(path)).length, path).toBeGreaterThan(1)
    }
  })

  test('has the licence of the repository, and a README', async () => {
    expect(await tarball.read('LICENSE')).toBe(readRoot('LICENSE'))
    expect(await tarball.read('README.md')).toBe(readRoot(`${folder}/README.md`))
  })

  test('runs nothing when it is installed, and brings nothing but what is known', () => {
    const atInstall = ['preinstall', 'install', 'postinstall', 'prepare']
    expect(atInstall.filter((name) => name in manifest.scripts)).toEqual([])
    expect(Object.keys(manifest.dependencies ?? {})).toEqual(tarball.dependencies)
    for (const [name, version] of Object.entries(manifest.optionalDependencies ?? {})) {
      expect(name).toMatch(/^@koromix\/koffi-linux-\w+$/)
      expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    }
  })

  test('pleases publint', async () => {
    const { status, stdout } = await run(bin('publint'), ['run', file, '--strict'])
    expect(stdout).toContain('All good!')
    expect(status).toBe(0)
  })

  if (command) return
  test('has types that every resolution of ESM finds', async () => {
    const flags = ['--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji']
    const { status, stdout } = await run(bin('attw'), [file, ...flags])
    expect(status, stdout).toBe(0)
  })
})

describe.each(['npm', 'pnpm'] as const)('the command, installed by %s', (manager) => {
  const project = packed.project(`command-${manager}`)
  const { file, manifest } = packed.packages.find(({ name }) => name === 'socket-port') ?? {}
  let installed: Ended
  beforeAll(async () => {
    installed = await packed.run(`${manager === 'npm' ? 'npm i' : 'pnpm add'} ${file}`, project)
  })

  test('succeeds without a warning', () => {
    expect(installed).toMatchObject({ status: 0, stderr: '' })
    expect(installed.stdout).not.toMatch(/warn|deprecat|ignored|vulnerab|\bERR/i)
  })

  test('is found by its name, and has all that it loads', async () => {
    const command = join(project, 'node_modules/.bin/socket-port')
    expect(await run(command, ['--version'])).toEqual({
      status: 0,
      stdout: `${manifest?.version}\n`,
      stderr: '',
    })
    // There is nothing to look at outside of a service.
    expect(await run(command, ['doctor', '--json'])).toMatchObject({ status: 6, stderr: '' })
    const ended = await run(command, ['run', '--listen', '0', '--', 'true'])
    expect(ended.status, ended.stderr).toBe(1)
    expect(ended.stderr).toContain('before it was ready')
  })

  test('keeps --env-file from Node, which would look for the file', async () => {
    const unit = ['unit', 'server.js', '--port', '8080']
    const words = [...unit, '--env-file', '/etc/app.env']
    const starts: [string, string[]][] = [
      [join(project, 'node_modules/.bin/socket-port'), words],
      ['node', ['--', join(project, 'node_modules/socket-port/dist/main.js'), ...words]],
      // npx is a program of Node too, which looks for the file before npx runs.
      ['npx', ['--', 'socket-port', ...words]],
      ['npx', ['socket-port', ...unit, '-e', '/etc/app.env']],
    ]
    for (const [file, args] of starts) {
      const { status, stdout, stderr } = await run(file, args, { cwd: project, env: packed.env })
      expect(status, `${file}: ${stderr}`).toBe(0)
      expect(stdout).toContain('EnvironmentFile=/etc/app.env\n')
    }
  })
})

// Strictness is the package manager's, not that of a major: an old one is tried with npm alone.
const installations = USES.flatMap((use) => [
  { use, manager: 'npm' as const },
  ...(use.old ? [] : [{ use, manager: 'pnpm' as const }]),
])

describe.each(installations)('$use.title, installed by $manager', ({ use, manager }) => {
  const { name, lacks = [], prints, wantsNewerNode = [] } = use
  const project = new UseProject(packed, use, manager)
  let installed: Ended[]
  beforeAll(async () => {
    installed = await project.install()
  })

  /** What the entries export, by what a program calls the entry. */
  async function exported(): Promise<Record<string, string[]>> {
    const { manifest } = packed.packages.find((one) => one.name === name) ?? {}
    const entries = Object.keys(manifest?.exports ?? {}).filter((key) => !lacks.includes(key))
    const found: Record<string, string[]> = {}
    for (const entry of entries.filter((key) => !key.endsWith('.json'))) {
      const specifier = join(name, entry)
      found[specifier] = Object.keys(await import(/* @vite-ignore */ specifier)).sort()
    }
    return found
  }

  test('succeeds without a warning that is ours', () => {
    for (const { status, stdout, stderr } of installed) {
      const ours = withoutEngines(stderr, wantsNewerNode)
      expect({ status, stderr: ours }).toEqual({ status: 0, stderr: '' })
      expect(withoutEngines(stdout, wantsNewerNode)).not.toMatch(
        /warn|deprecat|ignored|vulnerab|\bERR/i,
      )
    }
  })

  test('gives what import and require find, alike and without a warning', async () => {
    for (const [specifier, names] of Object.entries(await exported())) {
      const asEsm = `import * as all from '${specifier}'
        console.log(JSON.stringify(Object.keys(all).sort()))`
      expect(await project.run('entry.mjs', asEsm)).toEqual({
        status: 0,
        stdout: `${JSON.stringify(names)}\n`,
        stderr: '',
      })
      const asCjs = `const required = require('${specifier}')
        import('${specifier}').then((all) =>
          console.log(required === (all['module.exports'] ?? all)))`
      expect(await project.run('entry.cjs', asCjs)).toEqual({
        status: 0,
        stdout: 'true\n',
        stderr: '',
      })
    }
  })

  const options = lacks.includes('./register') ? ['--import', '--require'] : []
  for (const option of options) {
    test(`has a preload: ${option}`, async () => {
      const code = `require('node:http').createServer().listen(${freePort()}, function () {
        console.log(Symbol.for('@socket-port/core/attached') in this)
        process.exit()
      })`
      expect(await project.run('plain.cjs', code, option, join(name, 'register'))).toEqual({
        status: 0,
        stdout: 'true\n',
        stderr: '',
      })
    })
  }

  test.each([
    ['import', 'bound'],
    ['require', 'bound'],
    ['import', 'inherited'],
  ] as const)('runs the program of its README: %s, %s', async (kind, source) => {
    const start = source === 'bound' ? 'cold' : 'inherited'
    const { exit, answers, stderr, output } = await runProgram(project.source, start, (port) =>
      project.program(kind, port),
    )
    expect(stderr).toBe('')
    expect(exit).toMatchObject({ code: 0 })
    expect(answers).toEqual(['200 hello\n'])
    if (prints !== undefined) expect(output).toBe(prints.replace('$source', source))
  })

  test('has types that hold under strict, in ESM and in CommonJS, and name what is exported', async () => {
    expect(await project.compile(await exported())).toMatchObject({ stdout: '', status: 0 })
  })
})

/** What a package manager wrote, less that these packages want another Node than 20. */
function withoutEngines(text: string, names: readonly string[]): string {
  if (names.length === 0) return text
  const wanted = `(?:${names.join('|')})@\\S+`
  const npm = `npm warn EBADENGINE Unsupported engine \\{
npm warn EBADENGINE {3}package: '${wanted}',
npm warn EBADENGINE {3}required: \\{ node: '>=22' \\},
npm warn EBADENGINE {3}current: \\{ node: 'v20\\..*
npm warn EBADENGINE \\}
`
  const pnpm = `\\[WARN\\] Unsupported engine for ${wanted}: wanted: \\{"node":">=22"\\} \\(current: \\{"node":"20\\..*
`
  return text.replace(new RegExp(`${npm}|${pnpm}`, 'g'), '')
}
