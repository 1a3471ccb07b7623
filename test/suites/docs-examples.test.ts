import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../src/docs/ask.ts'
import { EXAMPLES, readRoot } from '../src/docs/documents.ts'
import { Machine } from '../src/docs/machine.ts'
import { codeBlocks } from '../src/docs/markdown.ts'
import { PackedPackages } from '../src/docs/packed.ts'
import { startGeneration } from '../src/generation.ts'
import { freePort } from '../src/native.ts'
import { endProcesses } from '../src/processes.ts'
import { requireOrSkip } from '../src/requirements.ts'
import { systemdSkipReason } from '../src/systemd/index.ts'

const UNIT = 'app.service'

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

  test.each(EXAMPLES)('may be followed word by word: $folder', async ({ folder, name }) => {
    const port = freePort()
    const adapt = (text: string): string =>
      text.replaceAll('8080', String(port)).replaceAll('/usr/bin/node', process.execPath)
    const blocks = codeBlocks(adapt(readRoot(`${folder}/README.md`)))
    expect(blocks.map(({ language }) => language)).toEqual(['sh', 'sh', 'sh'])
    const [setUp = [], restart = [], without = []] = blocks.map(({ code }) =>
      code.trimEnd().split('\n'),
    )
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
    let restarts = 0
    for (; !over; restarts += 1) for (const command of restart) await type(command)
    const report = await load
    expect(report).toMatch(/Completed requests: +[1-9]/)
    expect(report).toMatch(/Total errors: +0\n/)
    expect(restarts).toBeGreaterThan(2)

    const [stop = '', start = ''] = without
    expect(without).toHaveLength(2)
    await type(stop)
    const log = await machine.log(UNIT)
    expect(log).not.toMatch(/warn|error/i)
    expect(log.match(/^closed/gm)?.length).toBeGreaterThanOrEqual(restarts)

    const generation = startGeneration({ command: machine.onHost(start) })
    await generation.said(/http:/)
    expect(await ask(port)).toBe(`hello from process ${generation.pid}\n`)
    generation.signal('SIGINT')
    expect(await generation.exit).toMatchObject(ends[name] ?? { code: 0 })
    expect(generation.stdout).toMatch(/^closed/m)
    expect(generation.stderr).toBe('')
  })
})

/** How Ctrl-C ends it, where not with 0: Nest's shutdown hooks repeat the signal. */
const ends: Readonly<Record<string, object>> = { nestjs: { signal: 'SIGINT' } }
