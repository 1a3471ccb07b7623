import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startGeneration } from '@socket-port/testkit/generation'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import { systemdSkipReason } from '@socket-port/testkit/systemd/index'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../src/docs/ask.ts'
import { EXAMPLES, readRoot } from '../src/docs/documents.ts'
import { Machine } from '../src/docs/machine.ts'
import { codeBlocks } from '../src/docs/markdown.ts'
import { PackedPackages } from '../src/docs/packed.ts'

const UNIT = 'app.service'

/** The lines of each block of commands in the README of an example. */
function commandsOf(folder: string, adapt = (text: string): string => text): string[][] {
  const blocks = codeBlocks(adapt(readRoot(`${folder}/README.md`)))
  expect(blocks.map(({ language }) => language)).toEqual(['sh', 'sh', 'sh'])
  return blocks.map(({ code }) => code.trimEnd().split('\n'))
}

/** The last line of the first block, which is the same in all of them. */
const LOADS = [...new Set(EXAMPLES.map(({ folder }) => commandsOf(folder)[0]?.at(-1) ?? ''))]

describe(...requireOrSkip('the README of an example', systemdSkipReason()), () => {
  let packed: PackedPackages
  let machine: Machine
  beforeAll(async () => {
    packed = await PackedPackages.create()
    machine = await Machine.boot(packed.env)
  })
  afterEach(async () => {
    await endProcesses()
    machine.clear()
  })
  afterAll(async () => {
    await machine?.stop()
    packed?.remove()
  })

  test.each(LOADS)('counts what is not answered: %s', async (load) => {
    let requests = 0
    const server = createServer(({ socket }, response) => {
      requests += 1
      if (requests % 10 === 0) socket.end()
      else response.end('hello\n')
    }).listen(0)
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const command = load.replace('8080', String(port)).replace('-t 10', '-t 1')
    const { stdout } = await packed.run(command, packed.project('load'))
    expect(stdout).toMatch(/Total errors: +[1-9]/)
  })

  test.each(EXAMPLES)('may be followed word by word: $folder', async ({ folder, name }) => {
    const port = freePort()
    const adapt = (text: string): string =>
      text.replaceAll('8080', String(port)).replaceAll('/usr/bin/node', process.execPath)
    const [setUp = [], restart = [], without = []] = commandsOf(folder, adapt)
    const cwd = machine.copy(folder, adapt)
    const type = async (command: string): Promise<string> => {
      const { code, stdout, stderr } = await machine.type(command, cwd)
      expect(code, `${command}: ${stdout}${stderr}`).toBe(0)
      return stdout
    }

    for (const command of setUp.slice(0, -1)) await type(command)
    let over = false
    const load = type(setUp.at(-1) ?? '').finally(() => {
      over = true
    })
    const processes = new Set([await ask(port)])
    while (!over) {
      for (const command of restart) await type(command)
      processes.add(await ask(port))
    }
    const report = await load
    const [stop = '', start = ''] = without
    expect(without).toHaveLength(2)
    await type(stop)
    const log = await machine.log(UNIT)
    expect(log).not.toMatch(/warn|error/i)
    expect(report).toMatch(/Completed requests: +[1-9]/)
    expect(report).toMatch(/Total errors: +0\n/)
    expect(processes.size).toBeGreaterThan(3)
    expect(log.match(/^closed/gm)?.length).toBe(processes.size)

    const generation = startGeneration({ command: machine.onHost(start) })
    await generation.printed(/http:/)
    expect(await ask(port)).toBe(`hello from process ${generation.pid}\n`)
    generation.signal('SIGINT')
    expect(await generation.exit).toMatchObject(ends[name] ?? { code: 0 })
    expect(generation.stdout).toMatch(/^closed/m)
    expect(generation.stderr).toBe('')
  })
})

/** How Ctrl-C ends it, where not with 0: Nest's shutdown hooks repeat the signal. */
const ends: Readonly<Record<string, object>> = { nestjs: { signal: 'SIGINT' } }
