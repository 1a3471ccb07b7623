import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Generation, startGeneration } from '@socket-port/testkit/generation'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { bootSystemd, type SystemdBox, systemdSkipReason } from '@socket-port/testkit/systemd/index'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { ask } from '../../src/docs/ask.ts'
import { ACTIVATE, SYSTEMCTL } from '../../src/docs/commands.ts'
import { readRoot } from '../../src/docs/documents.ts'
import { codeBlocks } from '../../src/docs/markdown.ts'
import { type Program, programsOf } from '../../src/docs/programs.ts'
import { Project } from '../../src/docs/project.ts'

const [firstProgram] = programsOf('README.md') as [Program]
const project = new Project()
afterAll(() => project.remove())
afterEach(endProcesses)

const units = Object.fromEntries(
  codeBlocks(readRoot('README.md'))
    .filter(({ language }) => language === 'ini')
    .map(({ code }) => [basename(/^# (\S+)\n/.exec(code)?.[1] ?? ''), code]),
)

/** The units of the README, for a program and a port of this test. */
function adaptedUnits(program: string, port: number): Record<string, string> {
  return Object.fromEntries(
    Object.entries(units).map(([name, unit]) => [
      name,
      unit
        .replaceAll('8080', String(port))
        .replace('/usr/bin/node', process.execPath)
        .replace('/srv/app/server.mjs', program),
    ]),
  )
}

describe(...requireOrSkip('systemd-analyze', commandSkipReason('systemd-analyze')), () => {
  test('finds nothing wrong in the units of the README', () => {
    const files = Object.entries(adaptedUnits(project.write('server.mjs', ''), 8080)).map(
      ([name, unit]) => project.write(name, unit),
    )
    expect(files.map((file) => basename(file))).toEqual(['app.socket', 'app.service'])
    const { status, output } = spawnSync('systemd-analyze', ['verify', ...files])
    expect({ status, output: output.join('') }).toEqual({ status: 0, output: '' })
  })
})

const needsActivate = commandSkipReason('systemd-socket-activate')

describe(...requireOrSkip('systemd-socket-activate', needsActivate), () => {
  test('starts the first program of the README as it says', async () => {
    const port = freePort()
    const command = ACTIVATE.replace('8080', String(port)).split(' ')
    project.write('server.mjs', firstProgram.code.replaceAll('8080', String(port)))
    const generation = startGeneration({ command, cwd: project.dir })
    await heard(generation, 'Listening on ')
    expect(await ask(port)).toBe('hello\n')
    generation.signal('SIGTERM')
    expect(await generation.exit).toMatchObject({ code: 0 })
    expect(generation.stdout).toBe(`http://localhost:${port} is inherited\n`)
    expect(generation.stderr).not.toContain('warning')
  })
})

describe(...requireOrSkip('a real systemd', systemdSkipReason()), () => {
  let box: SystemdBox | undefined
  afterEach(() => box?.stop())

  test('runs the units and the commands of the README', async () => {
    const port = freePort()
    const server = project.write('server.mjs', firstProgram.code.replaceAll('8080', String(port)))
    const files = adaptedUnits(server, port)
    const [enable = '', restart = ''] = SYSTEMCTL
    expect(enableOffline(enable, files)).toEqual(['sockets.target.wants/app.socket'])

    box = await bootSystemd({ units: files })
    await box.start(enable.split(' ').at(-1) ?? '')
    expect(await ask(port)).toBe('hello\n')
    const before = await box.mainPid('app.service')
    await box.restart(restart.split(' ').at(-1) ?? '')
    expect(await ask(port)).toBe('hello\n')
    expect(await box.mainPid('app.service')).not.toBe(before)
    expect(await box.log('app.service')).toBe(`http://localhost:${port} is inherited\n`.repeat(2))
  })
})

/** Runs `systemctl enable` on a folder, as /etc of a box is read-only; returns the links it makes. */
function enableOffline(command: string, files: Record<string, string>): string[] {
  const folder = join(project.dir, 'etc/systemd/system')
  mkdirSync(folder, { recursive: true })
  for (const [name, unit] of Object.entries(files)) writeFileSync(join(folder, name), unit)
  const [systemctl = '', ...args] = command.replace(' --now', '').split(' ')
  const { status, stderr } = spawnSync(systemctl, [`--root=${project.dir}`, ...args])
  expect(status, String(stderr)).toBe(0)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.includes('.wants/'),
  )
}

function heard(generation: Generation, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    generation.child.stderr?.on('data', () => {
      if (generation.stderr.includes(words)) resolve()
    })
    generation.exit.then(() => reject(new Error(generation.output)))
  })
}
