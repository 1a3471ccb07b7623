import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type GenerationOptions, startGeneration } from '@socket-port/testkit/generation'
import { freePort, type Listener, openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { readCommandLine } from '../../../bench/src/options.ts'
import { FRAMEWORK_LINES } from '../../frameworks/apps.ts'
import {
  ACTIVATE,
  BUNDLE,
  CLIENTS,
  COMPILE,
  DEPLOY_UNIT,
  DEVELOP,
  FROM_PM2,
  INSTALL,
  INSTALL_WITH_PNPM,
  METRICS,
  NODEMON,
  OVERLAP,
  REGISTER,
  STATUS,
  SUPERVISE,
  SYSTEMCTL,
  UNITS,
  WRITE_UNITS,
} from '../../src/docs/commands.ts'
import { documents, manifestOf, ROOT, readRoot } from '../../src/docs/documents.ts'
import { codeBlocks } from '../../src/docs/markdown.ts'
import { binds, type Program, programsOf } from '../../src/docs/programs.ts'
import { Project } from '../../src/docs/project.ts'

const blocks = documents.flatMap((document) =>
  codeBlocks(readRoot(document)).map((block) => ({ ...block, where: `${document}:${block.line}` })),
)
/** Parts of files in `examples`. */
const excerpts = blocks.filter(({ code }) => code.startsWith('# examples/'))
const [firstProgram] = programsOf('README.md') as [Program]
const project = new Project()
afterAll(() => project.remove())
afterEach(endProcesses)

test('a block in the docs is of a kind that is checked', () => {
  // A picture is compared with the source in architecture.test.ts; docker.test.ts runs the Dockerfile, pm2.test.ts
  // reads what is cjs.
  const checked = ['js', 'ts', 'sh', 'ini', 'text', 'mermaid', 'dockerfile', 'cjs', 'yaml']
  expect(blocks.filter(({ language }) => !checked.includes(language))).toEqual([])
})

describe('a block of commands', () => {
  const isScript = (code: string): boolean => code.startsWith('#!')

  test('is a script only where deploy.test.ts runs it', () => {
    const scripts = blocks.filter(({ code }) => isScript(code)).map(({ where }) => where)
    expect(scripts).toEqual([expect.stringMatching(/^docs\/deploy\.md:/)])
  })

  const lines = blocks.flatMap(({ language, code, where }) =>
    language === 'sh' && !isScript(code)
      ? code
          .trim()
          .split('\n')
          .map((command) => ({ command, where }))
      : [],
  )
  const run = [
    ...INSTALL,
    ...SYSTEMCTL,
    ACTIVATE,
    ...SUPERVISE,
    ...Object.values(CLIENTS),
    ...METRICS,
    ...REGISTER,
    STATUS,
    ...BUNDLE,
    ...DEVELOP,
    NODEMON,
    ...COMPILE,
    DEPLOY_UNIT,
    ...Object.values(FROM_PM2),
    ...UNITS,
    ...WRITE_UNITS,
  ]

  test('is there for each that is run for it', () => {
    expect(lines.map(({ command }) => command)).toEqual(expect.arrayContaining(run))
  })

  const known = [
    ...run,
    ...FRAMEWORK_LINES,
    ...INSTALL_WITH_PNPM,
    ...cloneLines(),
    ...scriptLines(),
  ]
  test.each(lines)('holds only what is run: $command ($where)', ({ command }) => {
    if (!isBench(command)) expect(known).toContain(command)
  })
})

describe('a block of text', () => {
  const texts = blocks.filter(({ language }) => language === 'text')
  const messages = texts.filter(({ code }) => code.startsWith('socket-port: '))

  test('is compared with what is written, unless it is a picture', () => {
    const printed = documents
      .flatMap(programsOf)
      .filter(binds)
      .map(({ output }) => output)
    // proxies.test.ts, command.test.ts, readme.test.ts of the command and drain-progress.test.ts; then a picture; then
    // folders, which deploy.test.ts makes.
    const elsewhere =
      /^# (nginx|HAProxy): |^8080 is running, |^blog {2}running, |^\[1\] |^\{"time":|^draining: |^old process .* next process\n|^\/srv\/app\/current -> /
    const others = texts.filter(
      (block) =>
        !messages.includes(block) &&
        !printed.includes(block.code) &&
        !excerpts.includes(block) &&
        block.code !== OVERLAP,
    )
    expect(others.filter(({ code }) => !elsewhere.test(code))).toEqual([])
  })

  test.each(messages)('is really written: $where', async ({ code }) => {
    const written = await warnings()
    expect(written.map(withoutNumbers)).toContain(withoutNumbers(code))
  })
})

describe('a block of a unit or of a manifest', () => {
  test('names its file: an example, or one that systemd.test.ts starts', () => {
    const units = blocks.filter(({ language }) => language === 'ini')
    const others = units.filter((block) => !excerpts.includes(block))
    const elsewhere =
      /^(README(\.zh)?|docs\/docker)\.md:\d+ # \/etc\/(systemd\/system|containers\/systemd)\/app\.\w+\n/
    expect(others.filter(({ where, code }) => !elsewhere.test(`${where} ${code}`))).toEqual([])
  })

  test('names its file, where it is a manifest of Kubernetes', () => {
    const manifests = blocks.filter(({ language }) => language === 'yaml')
    const others = manifests.filter((block) => !excerpts.includes(block))
    // prometheus.test.ts scrapes with it.
    expect(others.filter(({ code }) => !code.startsWith('scrape_configs:'))).toEqual([])
  })

  test.each(excerpts)('is a part of the file that it names: $where', ({ code }) => {
    const [file = '', ...lines] = code.trimEnd().split('\n')
    const unit = readRoot(file.replace('# ', '')).trimEnd().split('\n')
    expect(unit.filter((line) => lines.includes(line))).toEqual(lines)
  })
})

function cloneLines(): string[] {
  const url = manifestOf('packages/core').repository.url.replace('git+', '')
  return [`git clone ${url.replace(/\.git$/, '')}`, `cd ${basename(url, '.git')}`]
}

/** `npx -y pnpm@… demo` and the like: each script there is whose callee exists too. */
function scriptLines(): string[] {
  const { scripts, packageManager } = manifestOf('')
  const workspaces = ['packages', 'examples']
    .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`))
    .concat('test', 'bench', 'site')
    // A folder without one holds packages of another workspace.
    .filter((folder) => existsSync(join(ROOT, folder, 'package.json')))
    .map(manifestOf)
  const exists = (script: string): boolean => {
    const [, name, called = ''] = /--filter (\S+) (\S+)$/.exec(script) ?? []
    const callee = workspaces.find((manifest) => manifest.name === name)
    return name === undefined || (callee !== undefined && called in callee.scripts)
  }
  const names = Object.keys(scripts).filter((name) => exists(scripts[name] ?? ''))
  return names.flatMap((name) =>
    ['', 'run '].map((run) => `npx -y ${packageManager} ${run}${name}`),
  )
}

/** True for `npx -y pnpm@… bench` with words that the benchmarks take; throws for others. */
function isBench(command: string): boolean {
  const bench = `npx -y ${manifestOf('').packageManager} bench `
  if (!command.startsWith(bench)) return false
  const names = readdirSync(join(ROOT, 'bench/src/benchmarks')).map((file) => basename(file, '.ts'))
  readCommandLine(command.slice(bench.length).split(' '), names)
  return true
}

/** What the first program of the README writes to stderr in the cases that the docs quote. */
async function warnings(): Promise<string[]> {
  const port = freePort()
  const passedToAnother = { LISTEN_FDS: '1', LISTEN_PID: '1' }
  return [
    await stderrOfFirst(port, { env: passedToAnother }),
    await stderrOfFirst(port, { sockets: [passed()] }),
    await stderrOfFirst(port, { sockets: [passed(port)], env: { NODE_OPTIONS: '--no-addons' } }),
    await stderrOfPlain(freePort(), { sockets: [passed()] }),
  ]
}

/** What a program writes that has the preload, and listens on a port that no socket has. */
async function stderrOfPlain(port: number, options: GenerationOptions): Promise<string> {
  const code = `require('node:http').createServer().listen(${port}, () => process.exit())`
  project.write('server.cjs', code)
  const [, ...args] = REGISTER[0]?.replace('.js', '.cjs').split(' ') ?? []
  const command = [process.execPath, ...args]
  const generation = startGeneration({ ...options, command, cwd: project.dir })
  await generation.exit
  return generation.stderr
}

function passed(port = 0): Listener {
  const listener = openListener({ port })
  onTestFinished(listener.close)
  return listener
}

async function stderrOfFirst(port: number, options: GenerationOptions): Promise<string> {
  const script = project.prepare(firstProgram, 'warns', port)
  const generation = startGeneration({ ...options, script })
  await generation.printed(/http/)
  generation.signal('SIGTERM')
  await generation.exit
  return generation.stderr
}

const withoutNumbers = (message: string): string =>
  message.replace(/\d+/g, '#').replace(/koffi-linux-\w+#?/, 'koffi-linux')
