import { endProcesses } from '@socket-port/testkit/processes'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { documents, TRANSLATED } from '../../src/docs/documents.ts'
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
} from '../../src/docs/programs.ts'
import { Project } from '../../src/docs/project.ts'
import { type Run, runProgram } from '../../src/docs/run-program.ts'

// A translation has the blocks of its original: pages.test.ts.
const translations = TRANSLATED.map(({ chinese }) => chinese)
const programs = documents
  .filter((document) => !translations.includes(document))
  .flatMap(programsOf)

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
