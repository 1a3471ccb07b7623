import { execFile } from 'node:child_process'
import { execPath } from 'node:process'
import { promisify } from 'node:util'
import { startGeneration } from '@socket-port/testkit/generation'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import type { Supervised } from '@socket-port/testkit/supervised'
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../../src/docs/ask.ts'
import { METRICS, REGISTER, STATUS, SUPERVISE } from '../../src/docs/commands.ts'
import { readRoot } from '../../src/docs/documents.ts'
import { codeBlocks } from '../../src/docs/markdown.ts'
import { type Program, programsOf } from '../../src/docs/programs.ts'
import { Project } from '../../src/docs/project.ts'
import { superviseLine } from '../../src/docs/supervise-line.ts'
import { untilDrained } from '../cli/supervising.ts'

const COMMAND = 'packages/cli/README.md'
const project = new Project()
afterAll(() => project.remove())
afterEach(endProcesses)

const linesOf = (document: string): string[][] =>
  codeBlocks(readRoot(document)).map(({ code }) => code.trim().split('\n'))

/** Types the first line of SUPERVISE, with the first program of the document as `server.mjs`. */
async function superviseFirst(document: string, port: number): Promise<Supervised> {
  const [program] = programsOf(document) as [Program]
  project.write('server.mjs', program.code.replaceAll('8080', String(port)))
  return supervise(SUPERVISE[0], port)
}

async function supervise(line = '', port: number): Promise<Supervised> {
  const supervised = await superviseLine(line, port, { cwd: project.dir })
  onTestFinished(() => supervised.dispose())
  return supervised
}

/** Types a line that asks it. */
async function type(supervised: Supervised, line = ''): Promise<string> {
  const { code, stdout, stderr } = await supervised.ask(
    ...line.replace(/^npx /, '').split(' ').slice(1),
  )
  expect(code, stderr).toBe(0)
  return stdout
}

test.each(['README.md', COMMAND])('%s runs and reloads a program as it says', async (document) => {
  expect(linesOf(document)).toContainEqual(SUPERVISE)
  const port = freePort()
  const supervised = await superviseFirst(document, port)
  expect(await ask(port)).toBe('hello\n')
  await type(supervised, SUPERVISE[1])
  expect(await ask(port)).toBe('hello\n')
  const { generations } = await supervised.status()
  expect(generations.map(({ number }) => number)).toContain(2)
  expect(supervised.generation.output).not.toMatch(/warn|error/i)
})

test(`${METRICS[1]}: prints the metrics`, async () => {
  expect(linesOf(COMMAND)).toContainEqual(METRICS)
  const metricsPort = String(freePort())
  const [program] = programsOf(COMMAND) as [Program]
  const port = freePort()
  project.write('server.js', program.code.replaceAll('8080', String(port)))
  await supervise(METRICS[0]?.replace('9100', metricsPort), port)
  const [command = '', ...args] = METRICS[1]?.replace('9100', metricsPort).split(' ') ?? []
  const { stdout } = await promisify(execFile)(command, args)
  expect(stdout).toMatch(/^socket_port_generation 1$/m)
  expect(stdout).toMatch(/^# EOF\n$/m)
})

describe('a program that knows nothing of this package', () => {
  function write(port: number): void {
    const code = `import { createServer } from 'node:http'
      createServer((_, response) => response.end('plain')).listen(${port}, () => console.log('listens'))`
    project.write('server.js', code)
  }

  test(`${REGISTER[0]}: ends in order at SIGTERM`, async () => {
    write(freePort())
    const [, ...args] = REGISTER[0]?.split(' ') ?? []
    const process = startGeneration({ command: [execPath, ...args], cwd: project.dir })
    await process.printed(/listens/)
    process.signal('SIGTERM')
    expect(await process.exit).toMatchObject({ code: 0 })
    expect(process.stderr).toBe('')
  })

  test.each(REGISTER.slice(1))('%s: takes the socket, and reloads', async (line) => {
    const port = freePort()
    write(port)
    const supervised = await supervise(line, port)
    await type(supervised, SUPERVISE[1])
    expect(await ask(port)).toBe('plain')
    expect(supervised.generation.output).not.toMatch(/warn|error/i)
  })
})

describe(COMMAND, () => {
  test('shows what status prints', async () => {
    const block = codeBlocks(readRoot(COMMAND)).find(({ code }) => code === `${STATUS}\n`)
    const shown = block?.next?.code ?? ''
    const [, reloads, idle] =
      /(\d+) succeeded[\s\S]* (\d+) connections handed over/.exec(shown) ?? []
    const port = freePort()
    const supervised = await superviseFirst(COMMAND, port)
    const connections = await Promise.all(
      Array.from({ length: Number(idle) / Number(reloads) }, () => RawConnection.open(port)),
    )
    for (let reload = 1; reload <= Number(reloads); reload += 1) {
      for (const connection of connections) {
        connection.send(get('/'))
        await connection.receive(/hello\n$/)
      }
      await type(supervised, SUPERVISE[1])
      await untilDrained(supervised)
      const received = connections.length * reload
      await supervised.until((status) => status.connections.received === received)
    }
    const printed = await type(supervised, STATUS)
    expect(withoutChance(printed.replaceAll(String(port), '8080'))).toBe(withoutChance(shown))
  })
})

/** Without what is another the next time: pids and durations. */
const withoutChance = (status: string): string =>
  status
    .replace(/(process|pid) \d+/g, '$1 #')
    .replace(/\d+(\.\d+)? (ms|s|min)( \d+ s)?\b/g, '# of time')
