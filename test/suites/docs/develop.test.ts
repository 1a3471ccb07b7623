import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { socketPort } from '@socket-port/testkit/command'
import { startGeneration } from '@socket-port/testkit/generation'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../../src/docs/ask.ts'
import { COMPILE, DEVELOP, NODEMON } from '../../src/docs/commands.ts'
import { ROOT } from '../../src/docs/documents.ts'
import { programsOf } from '../../src/docs/programs.ts'
import { TSC } from '../../src/docs/project.ts'
import { superviseLine } from '../../src/docs/supervise-line.ts'
import { untilDrained } from '../cli/supervising.ts'

afterEach(endProcesses)

const MODULES = join(ROOT, 'test/node_modules')
const env = { PATH: `${MODULES}/.bin:${process.env.PATH}` }

const programs = {
  'server.mjs': programsOf('README.md')[0]?.code ?? '',
  'server.ts': programsOf('docs/typescript.md')[0]?.code ?? '',
}

let dir: string
let cwd: string
let port: number
beforeEach(() => {
  dir = mkdtempSync(join(realpathSync(tmpdir()), 'socket-port-develop-'))
  cwd = join(dir, 'app')
  port = freePort()
  mkdirSync(join(cwd, 'src'), { recursive: true })
  symlinkSync(MODULES, join(cwd, 'node_modules'))
  writeFileSync(join(cwd, 'package.json'), '{ "name": "app", "type": "module" }')
  // What says hello is a file of its own, which all of these lines watch.
  save('src/hello.js', "export default 'hello\\n'\n")
  for (const [file, code] of Object.entries(programs)) save(file, `${IMPORT}\n${adapted(code)}`)
})
afterEach(() => rmSync(dir, { recursive: true }))

const IMPORT = "import hello from './src/hello.js'"
const adapted = (code: string): string =>
  `${code.replace("'hello\\n'", 'hello').replaceAll('8080', String(port))}console.log('says ' + hello)\n`
const save = (file: string, text: string): void => writeFileSync(join(cwd, file), text)

test.each(DEVELOP)('%s: a change is served', async (line) => {
  const supervised = await superviseLine(line, port, { cwd, env })
  onTestFinished(() => supervised.dispose())
  expect(await ask(port)).toBe('hello\n')
  // Of one piece: a process must not read half a file.
  save('../hello.js', "export default 'changed\\n'\n")
  renameSync(join(cwd, '../hello.js'), join(cwd, 'src/hello.js'))
  if (!line.includes('--watch')) supervised.generation.signal('SIGHUP')
  await supervised.printed(/generation 2 is ready/)
  await untilDrained(supervised)
  expect(await ask(port)).toBe('changed\n')
  expect(supervised.generation.output).not.toMatch(/warning|error/i)
})

test(`${NODEMON}: ends in order`, async () => {
  const command = NODEMON.replace('npx ', '').split(' ') as [string, ...string[]]
  const generation = startGeneration({ command, cwd, env })
  await generation.printed(/says hello/)
  expect(await ask(port)).toBe('hello\n')
  generation.signal('SIGTERM')
  await generation.exit
  await expect(ask(port)).rejects.toThrow('ECONNREFUSED')
})

describe('docs/typescript.md', () => {
  test('compiles, and prints units for what was compiled', async () => {
    const [compile, unit = ''] = COMPILE
    expect(compile).toBe('npx tsc')
    const options = { module: 'nodenext', strict: true, outDir: 'dist', types: ['node'] }
    save('tsconfig.json', JSON.stringify({ compilerOptions: options, files: ['server.ts'] }))
    save('server.ts', programs['server.ts'])
    const { status, stdout } = spawnSync(process.execPath, [TSC], { cwd, encoding: 'utf8' })
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    expect(readFileSync(join(cwd, 'dist/server.js'), 'utf8')).toContain('serve(server, 8080)')
    const printed = await socketPort(unit.split(' ').slice(1), { cwd })
    expect(printed.code, printed.stderr).toBe(0)
    expect(printed.stdout).toMatch(/^ExecStart=\S+ \S+\/dist\/server\.js$/m)
  })
})
