import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { ACTIVATE, INSTALL, INSTALL_WITH_PNPM, SUPERVISE, SYSTEMCTL } from '../src/docs/commands.ts'
import { documents, manifestOf, ROOT, readRoot, TRANSLATION } from '../src/docs/documents.ts'
import { codeBlocks } from '../src/docs/markdown.ts'
import {
  binds,
  drains,
  endsByItself,
  inherits,
  isBare,
  type Program,
  pathsOf,
  programsOf,
  serversOf,
} from '../src/docs/programs.ts'
import { Project } from '../src/docs/project.ts'
import { type Run, runProgram } from '../src/docs/run-program.ts'
import { type GenerationOptions, startGeneration } from '../src/generation.ts'
import { freePort, type Listener, openListener } from '../src/native.ts'
import { endProcesses } from '../src/processes.ts'

const blocks = documents.flatMap((document) =>
  codeBlocks(readRoot(document)).map((block) => ({ ...block, where: `${document}:${block.line}` })),
)
// The blocks of the translation are those of README.md: docs-pages.test.ts.
const programs = documents.filter((document) => document !== TRANSLATION).flatMap(programsOf)

const firstProgram = programs[0] as Program
const project = new Project()
const compilerOutput = project.compile(programs)
afterAll(() => project.remove())
afterEach(endProcesses)

describe('a program in the docs', () => {
  test('compiles under strict against the built packages', () => {
    expect(compilerOutput).toBe('')
  })

  test.each(programs.filter(binds))('runs as it stands: $where', async (program) => {
    const { exit, stderr, answers, output } = await run(program, 'cold')
    expect(stderr).toBe('')
    expect(exit).toMatchObject(expectedExit(program))
    expect(answers).toEqual(expectedAnswers(program))
    if (program.output !== undefined) expect(output).toBe(program.output)
  })

  test.each(programs.filter(inherits))('takes a socket: $where', async (program) => {
    const { exit, stderr, answers } = await run(program, 'inherited')
    expect(stderr).toBe('')
    expect(exit).toMatchObject(expectedExit(program))
    expect(answers).toEqual(expectedAnswers(program))
  })
})

const run = (program: Program, start: 'cold' | 'inherited'): Promise<Run> =>
  runProgram(program, start, (port) => project.prepare(program, start, port))

const expectedExit = (program: Program): object =>
  endsByItself(program) || drains(program) ? { code: 0 } : { signal: 'SIGTERM' }

const expectedAnswers = (program: Program): unknown[] =>
  endsByItself(program)
    ? []
    : Array.from({ length: serversOf(program) * pathsOf(program).length }, () =>
        expect.stringMatching(isBare(program) ? /^404 / : /^200 |^hello\n$/),
      )

describe('a block in the docs', () => {
  test('is of a kind that is checked here', () => {
    const checked = ['js', 'ts', 'sh', 'ini', 'text']
    expect(blocks.filter(({ language }) => !checked.includes(language))).toEqual([])
  })

  const lines = blocks.flatMap(({ language, code, where }) =>
    language === 'sh'
      ? code
          .trim()
          .split('\n')
          .map((command) => ({ command, where }))
      : [],
  )
  test('has each command that is run for it', () => {
    const commands = lines.map(({ command }) => command)
    expect(commands).toEqual(
      expect.arrayContaining([...INSTALL, ...SYSTEMCTL, ACTIVATE, ...SUPERVISE]),
    )
  })

  test.each(lines)('of commands holds only what is run: $command ($where)', ({ command }) => {
    const installs = [...INSTALL, ...INSTALL_WITH_PNPM]
    expect([
      ...installs,
      ...SYSTEMCTL,
      ACTIVATE,
      ...SUPERVISE,
      ...cloneLines(),
      ...scriptLines(),
    ]).toContain(command)
  })

  test.each(blocks.filter(({ code }) => code.startsWith('socket-port: ')))(
    'of messages holds what is really written: $where',
    async ({ code }) => {
      const written = await warnings()
      expect(written.map(withoutNumbers)).toContain(withoutNumbers(code))
    },
  )
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
    .concat('test', 'bench')
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

/** What the first program of the README writes to stderr in the cases that the docs quote. */
async function warnings(): Promise<string[]> {
  const port = freePort()
  const passedToAnother = { LISTEN_FDS: '1', LISTEN_PID: '1' }
  return [
    await stderrOfFirst(port, { env: passedToAnother }),
    await stderrOfFirst(port, { sockets: [passed()] }),
    await stderrOfFirst(port, { sockets: [passed(port)], env: { NODE_OPTIONS: '--no-addons' } }),
  ]
}

function passed(port = 0): Listener {
  const listener = openListener({ port })
  onTestFinished(listener.close)
  return listener
}

async function stderrOfFirst(port: number, options: GenerationOptions): Promise<string> {
  const script = project.prepare(firstProgram, 'warns', port)
  const generation = startGeneration({ ...options, script })
  await generation.said(/http/)
  generation.signal('SIGTERM')
  await generation.exit
  return generation.stderr
}

const withoutNumbers = (message: string): string =>
  message.replace(/\d+/g, '#').replace(/koffi-linux-\w+#?/, 'koffi-linux')
