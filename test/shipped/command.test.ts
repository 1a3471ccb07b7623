import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PRIVATE_RUN, typeOnTerminal } from '@socket-port/testkit/command'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { systemdSkipReason } from '@socket-port/testkit/systemd/index'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../src/docs/ask.ts'
import { SUPERVISE, UNITS, WRITE_UNITS } from '../src/docs/commands.ts'
import { Machine } from '../src/docs/machine.ts'
import { PackedPackages } from '../src/docs/packed.ts'
import { type Program, programsOf } from '../src/docs/programs.ts'
import { type Ended, run } from '../src/docs/run.ts'

const README = 'packages/cli/README.md'
const [program] = programsOf(README) as [Program]
const packed = await PackedPackages.create()
const tarball = packed.packages.find(({ name }) => name === 'socket-port')?.file ?? ''
afterAll(() => packed.remove())
afterEach(endProcesses)

/** As in the docs, but for the port. */
const at = (port: number, text: string): string => text.replaceAll('8080', String(port))

describe(...requireOrSkip(`${README} in a project`, commandSkipReason('script')), () => {
  const cwd = packed.project('supervised')
  const XDG_RUNTIME_DIR = join(cwd, 'run')
  const own = { XDG_RUNTIME_DIR, XDG_CACHE_HOME: XDG_RUNTIME_DIR, TMPDIR: XDG_RUNTIME_DIR }
  const env = { ...packed.env, ...own }
  const [start = '', reload = ''] = SUPERVISE

  beforeAll(async () => {
    mkdirSync(XDG_RUNTIME_DIR, { mode: 0o700 })
    const { status, stderr } = await packed.run(`npm i ${tarball} @socket-port/core`, cwd)
    expect(status, stderr).toBe(0)
  })

  function type(line: string): Promise<Ended> {
    const [file = '', ...args] = [...PRIVATE_RUN, 'sh', '-c', line]
    return run(file, args, { cwd, env })
  }

  test('runs, reloads, and ends in order by Ctrl-C', async () => {
    const port = freePort()
    writeFileSync(join(cwd, 'server.mjs'), at(port, program.code))
    const terminal = typeOnTerminal(at(port, start), { cwd, env })
    await terminal.shown(/generation 1 is ready/)
    expect(await ask(port)).toBe('hello\n')
    expect(await type(reload)).toMatchObject({ status: 0 })
    await terminal.shown(/generation 2 is ready/)
    expect(await ask(port)).toBe('hello\n')
    terminal.type('\u0003')
    // Its code is that of npx, which the Ctrl-C has reached too.
    const { stdout } = await terminal.end
    expect(stdout).toContain('stops: 1 process drains')
    expect(stdout).not.toMatch(/^socket-port: (warning|error)|SIGKILL/im)
    await expect(ask(port)).rejects.toThrow('ECONNREFUSED')
  })
})

describe(...requireOrSkip(`${README} on a machine`, systemdSkipReason()), () => {
  const app = '/srv/app'
  const port = freePort()
  let machine: Machine
  beforeAll(async () => {
    machine = await Machine.boot(packed.env)
    machine.write('srv/app/package.json', '{ "type": "module" }')
    machine.write('srv/app/server.js', at(port, program.code))
    await type(`npm i -g ${tarball}`)
    await type('npm i @socket-port/core')
  })
  afterAll(() => machine?.stop())

  /** What is printed by lines that must neither fail nor warn. */
  async function type(lines: string): Promise<string> {
    const { code, stdout, stderr } = await machine.type(at(port, lines), app)
    expect(code, `${lines}: ${stdout}${stderr}`).toBe(0)
    expect(stderr).not.toMatch(/warn|error/i)
    return stdout
  }

  test.each(UNITS)('prints units without a warning: %s', async (line) => {
    expect(await type(line)).toMatch(/^# \/etc\/systemd\/system\/app\.(socket|service)\n\[Unit\]/)
  })

  test('writes them, and they start and reload', async () => {
    await type(WRITE_UNITS.join('\n'))
    expect(await ask(port)).toBe('hello\n')
    expect(await type('socket-port doctor app.service')).toContain('app.service')
    await type('sudo systemctl disable --now app.service')
    const log = await machine.log('app.service')
    expect(log).toContain('generation 2 is ready')
    expect(log).not.toMatch(/^socket-port: (warning|error)|SIGKILL/im)
  })
})
