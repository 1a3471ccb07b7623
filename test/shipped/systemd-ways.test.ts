import { freePort } from '@socket-port/testkit/native'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { pathInBox, type Release, releaseSkipReason } from '@socket-port/testkit/systemd/index'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readRoot, SYSTEMD_WAYS } from '../src/docs/documents.ts'
import { Machine } from '../src/docs/machine.ts'
import { codeBlocks, tables } from '../src/docs/markdown.ts'
import { PackedPackages } from '../src/docs/packed.ts'

const packed = await PackedPackages.create()
afterAll(() => packed.remove())

const README = `${SYSTEMD_WAYS}/README.md`
const [introduction = '', ...sections] = readRoot(README).split(/^## /m)
const [setUp, ...others] = codeBlocks(introduction)
const ways = sections.map((section) => {
  const [name = ''] = section.split('\n')
  const [commands, output, ...others] = codeBlocks(section)
  return { name, commands: commands?.code ?? '', output: output?.code ?? '', others }
})

/** `Type=notify-reload` came with systemd 253. */
const releaseOf = (name: string): Release => (name === 'reload' ? 'trixie' : 'host')

describe(README, () => {
  test('has the blocks that are followed, and no other', () => {
    expect(others).toEqual([])
    expect(ways.flatMap((way) => way.others)).toEqual([])
  })

  test('tells of each way how it restarts', () => {
    const [[, ...rows] = []] = tables(introduction)
    expect(rows.map(([link = '']) => link)).toEqual(ways.map(({ name }) => `[${name}](${name})`))
    for (const [index, { commands }] of ways.entries()) {
      const restart = /`(.+)`/.exec(rows[index]?.at(-1) ?? '')?.[1] ?? 'none'
      expect(commands.replaceAll('sudo ', '').split('\n')).toContain(restart)
    }
  })
})

for (const release of ['host', 'trixie'] as const) {
  const reason = (await releaseSkipReason(release)) ?? commandSkipReason('curl')
  describe(...requireOrSkip(`${README} on ${release}`, reason), () => {
    let machine: Machine
    beforeAll(async () => {
      machine = await Machine.boot(packed.env, release)
    })
    afterAll(() => machine?.stop())

    // One after the other on one machine: each must leave room for the next.
    test.each(ways.filter(({ name }) => releaseOf(name) === release))(
      'may be followed word by word: $name',
      async ({ name, commands, output }) => {
        const here: Readonly<Record<string, string>> = {
          8080: `${freePort()}`,
          8081: `${freePort()}`,
          '/usr/bin/node': pathInBox(process.execPath),
        }
        const adapt = (text: string): string =>
          text.replace(/8080|8081|\/usr\/bin\/node/g, (found) => here[found] ?? '')
        const cwd = machine.copy(`${SYSTEMD_WAYS}/${name}`, adapt)
        const type = async (block = ''): Promise<string> => {
          let printed = ''
          for (const line of adapt(block).trimEnd().split('\n')) {
            const { code, stdout, stderr } = await machine.type(line, cwd)
            expect(code, `${line}: ${stdout}${stderr}`).toBe(0)
            printed += stdout
          }
          return printed
        }
        await type(setUp?.code)
        expect(withLetters(await type(commands))).toBe(withLetters(output))
        const services = name === 'overlap' ? ['app@1.service', 'app@2.service'] : ['app.service']
        for (const service of services) {
          const log = await machine.log(service)
          expect(log).toContain('http://localhost')
          expect(log).not.toMatch(/warn|error/i)
        }
      },
    )
  })
}

/** With a letter for each process, in the order in which they come. */
function withLetters(text: string): string {
  const pids: string[] = []
  return text.replace(/(?<=process )\d+/g, (pid) => {
    if (!pids.includes(pid)) pids.push(pid)
    return String.fromCharCode(65 + pids.indexOf(pid))
  })
}
