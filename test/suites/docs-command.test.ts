import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { SUPERVISE } from '../src/docs/commands.ts'
import { readRoot } from '../src/docs/documents.ts'
import { codeBlocks } from '../src/docs/markdown.ts'
import { type Program, programsOf } from '../src/docs/programs.ts'
import { Project } from '../src/docs/project.ts'
import { freePort } from '../src/native.ts'
import { endProcesses } from '../src/processes.ts'
import { startSupervised } from '../src/supervised.ts'

const [firstProgram] = programsOf('README.md') as [Program]
const project = new Project()
afterAll(() => project.remove())
afterEach(endProcesses)

const ask = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ port, agent: false }, (response) => resolve(text(response))).on('error', reject)
  })

describe.each(['README.md', 'packages/cli/README.md'])('%s', (document) => {
  test('runs and reloads a program as it says', async () => {
    expect(
      codeBlocks(readRoot(document)).map(({ code }) => code.trim().split('\n')),
    ).toContainEqual(SUPERVISE)
    const port = freePort()
    project.write('server.js', firstProgram.code.replaceAll('8080', String(port)))
    // As typed, but for the port, and for the command that is found elsewhere.
    const [run = '', reload = ''] = SUPERVISE.map((line) => line.replace('8080', String(port)))
    const [options = '', command = ''] = run.replace('npx socket-port run ', '').split(' -- ')
    const supervised = startSupervised({
      ...{ args: options.split(' '), command: command.split(' '), cwd: project.dir },
    })
    onTestFinished(() => supervised.dispose())
    await supervised.said(/is inherited/)
    expect(await ask(port)).toBe('hello\n')
    const { code, stderr } = await supervised.ask(...reload.split(' ').slice(2))
    expect(code, stderr).toBe(0)
    expect(await ask(port)).toBe('hello\n')
    const { generations } = await supervised.status()
    expect(generations.map(({ number }) => number)).toContain(2)
  })
})
