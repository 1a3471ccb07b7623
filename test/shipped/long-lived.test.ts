import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PRIVATE_RUN, typeOnTerminal } from '@socket-port/testkit/command'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses, track } from '@socket-port/testkit/processes'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { CLIENTS, SUPERVISE } from '../src/docs/commands.ts'
import { readRoot } from '../src/docs/documents.ts'
import { codeBlocks } from '../src/docs/markdown.ts'
import { PackedPackages } from '../src/docs/packed.ts'
import { programsOf } from '../src/docs/programs.ts'
import { USES } from '../src/docs/published.ts'
import { run } from '../src/docs/run.ts'

const packed = await PackedPackages.create()
afterAll(() => packed.remove())
afterEach(endProcesses)

const uses = USES.filter(({ name, old }) => name in CLIENTS && old !== true)

describe(...requireOrSkip('the walk of a README', commandSkipReason('script')), () => {
  test.each(uses)('$name: the client sees no restart', async ({ name, install, program }) => {
    const [document] = program
    const client = CLIENTS[name] ?? ''
    const [start = '', reload = ''] = SUPERVISE
    const typed = codeBlocks(readRoot(document)).map(({ code }) => code)
    expect(typed).toEqual(
      expect.arrayContaining([`npm i ${install}\n`, `${start}\n${client}\n${reload}\n`]),
    )
    const port = freePort()
    const at = (text: string): string => text.replaceAll('8080', String(port))
    const cwd = packed.project(`walk ${name}`.replace(/\W/g, '-'))
    const { status, stderr } = await packed.run(`npm i ${packed.withCommand(install)}`, cwd)
    expect(status, stderr).toBe(0)
    writeFileSync(join(cwd, 'server.mjs'), at(programsOf(document)[0]?.code ?? ''))
    const XDG_RUNTIME_DIR = join(cwd, 'run')
    mkdirSync(XDG_RUNTIME_DIR, { mode: 0o700 })
    const own = { XDG_RUNTIME_DIR, XDG_CACHE_HOME: XDG_RUNTIME_DIR, TMPDIR: XDG_RUNTIME_DIR }
    const env = { ...packed.env, ...own }

    const terminal = typeOnTerminal(at(start), { cwd, env })
    await terminal.shown(/generation 1 is ready/)
    const { child, answered } = startClient(at(client), cwd)
    const before = await answered(() => true)
    const [file = '', ...words] = [...PRIVATE_RUN, 'sh', '-c', reload]
    expect(await run(file, words, { cwd, env })).toMatchObject({ status: 0 })
    const after = await answered(({ pid }) => pid !== before.pid)
    child.kill()
    // Each message was counted once, by one process or the other: the first one began with 1.
    expect(after.all.map(({ count }) => count)).toEqual(after.all.map((_, index) => index + 1))
    terminal.type('\u0003')
    expect((await terminal.end).stdout).not.toMatch(/^socket-port: (warning|error)|SIGKILL/im)
  })
})

interface Answer {
  count: number
  pid: number
}

/** Starts a client, whose lines end with `3 messages, the last one to process 4711` or the like. */
function startClient(
  line: string,
  cwd: string,
): {
  child: ChildProcess
  answered(holds: (answer: Answer) => boolean): Promise<Answer & { all: Answer[] }>
} {
  const child = spawn('sh', ['-c', `exec ${line}`], { cwd, detached: true })
  track(child)
  const all: Answer[] = []
  let text = ''
  let look = (): void => {}
  child.stdout.setEncoding('utf8').on('data', (data: string) => {
    text += data
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const one of lines) {
      const [, count, pid] = /(\d+) \w+, the last one to process (\d+)/.exec(one) ?? []
      all.push({ count: Number(count), pid: Number(pid) })
    }
    look()
  })
  return {
    child,
    answered: (holds) =>
      new Promise((resolve, reject) => {
        child.once('close', () => reject(new Error(`the client has ended: ${line}`)))
        look = () => {
          const found = all.find(holds)
          if (found !== undefined) resolve({ ...found, all })
        }
        look()
      }),
  }
}
