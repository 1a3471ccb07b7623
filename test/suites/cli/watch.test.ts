import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startOnTerminal } from '@socket-port/testkit/command'
import { freePort } from '@socket-port/testkit/native'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { isRunning } from '@socket-port/testkit/until-gone'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  afterTest,
  expectNothingLost,
  expectStops,
  SERVER,
  start,
  supervise,
  underLoad,
  who,
} from './supervising.ts'

let dir: string
let program: string
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'socket-port-develop-')))
  afterTest(() => rmSync(dir, { recursive: true }))
  program = join(dir, 'server.mjs')
})

/** What somebody has saved: code of this release, or code that fails. */
const good = (release: string): string =>
  `process.env.RELEASE = '${release}'\nawait import('${pathToFileURL(SERVER)}')\n`
const broken = "throw new Error('no such table: users')\n"

const save = (code: string, file = program): void => writeFileSync(file, code)

const watched = (port: number): string[] => [
  '--listen',
  `127.0.0.1:${port}`,
  '--watch',
  dir,
  '--settle',
  '50',
]

describe('run --watch', () => {
  it('serves what is saved, without a request that is refused; code that fails changes nothing', async () => {
    save(good('one'))
    const port = freePort('127.0.0.1')
    const supervised = await start({ command: [process.execPath, program], args: watched(port) })
    expect(await who(port)).toMatchObject({ release: 'one' })
    const result = await underLoad(port, async (load) => {
      save(good('two'))
      await supervised.printed(/server\.mjs changed[\s\S]*generation 2 is ready/)
      await load.moreRequests(100)
      expect(await who(port)).toMatchObject({ release: 'two' })

      save(broken)
      await supervised.printed(
        /no such table: users[\s\S]*generation 3 failed.*the old one continues to serve/,
      )
      await load.moreRequests(100)
      expect(await who(port)).toMatchObject({ release: 'two', generation: '2' })

      save('export const title = "not used yet"\n', join(dir, 'new.mjs'))
      await supervised.printed(/new\.mjs changed[\s\S]*generation 4 failed/)
      save(good('five'))
      await supervised.printed(/generation 5 is ready/)
      await load.moreRequests(100)
      expect(await who(port)).toMatchObject({ release: 'five' })
    })
    expectNothingLost(result)
    expect(supervised.generation.output).not.toContain('EADDRINUSE')
    // Nobody has tried again what had failed.
    expect(supervised.generation.output.match(/^Error: no such table/gm)).toHaveLength(2)
    await expectStops(supervised)
  })

  it('waits for a change where the first code fails', async () => {
    save(broken)
    const port = freePort('127.0.0.1')
    const supervised = supervise({ command: [process.execPath, program], args: watched(port) })
    await supervised.printed(/no such table: users[\s\S]*generation 1 failed/)
    save(good('one'))
    await supervised.printed(/generation 2 is ready/)
    expect(await who(port)).toMatchObject({ release: 'one' })
    await expectStops(supervised)
  })
})

describe(...requireOrSkip('Ctrl-C on a terminal', commandSkipReason('script')), () => {
  it('ends everything in order, once, and frees the port', async () => {
    save(good('one'))
    const port = freePort('127.0.0.1')
    const run = ['run', ...watched(port), '--control', join(dir, 'control'), '--']
    const terminal = startOnTerminal([...run, process.execPath, program])
    await terminal.shown(/generation 1 is ready/)
    const { pid } = await who(port)
    terminal.type('\u0003')
    const { code, stdout } = await terminal.end
    expect({ code, running: isRunning(pid) }).toEqual({ code: 0, running: false })
    expect(stdout.match(/stops: 1 process drains/g)).toHaveLength(1)
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow()
  })
})
