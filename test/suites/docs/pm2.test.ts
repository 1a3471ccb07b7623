import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { socketPort } from '@socket-port/testkit/command'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../../src/docs/ask.ts'
import { FROM_PM2 } from '../../src/docs/commands.ts'
import { ROOT, readRoot } from '../../src/docs/documents.ts'
import { codeBlocks, codeSpans, tables } from '../../src/docs/markdown.ts'
import { programsOf } from '../../src/docs/programs.ts'
import { Project } from '../../src/docs/project.ts'
import { run } from '../../src/docs/run.ts'
import { superviseLine } from '../../src/docs/supervise-line.ts'

const PM2 = 'bench/node_modules/pm2'

const page = readRoot('docs/pm2.md')
const [commands = [], fields = []] = tables(page)
const project = new Project()
afterAll(() => project.remove())
afterEach(endProcesses)

/** The words in backquotes of a column, without the head. */
const column = (table: string[][], index: number): string[] =>
  table.slice(1).flatMap((row) => codeSpans(row[index] ?? ''))

describe('docs/pm2.md', () => {
  test('names commands that pm2 has', async () => {
    const home = mkdtempSync(join(realpathSync(tmpdir()), 'socket-port-pm2-'))
    const pm2 = (command: string): ReturnType<typeof run> =>
      run(process.execPath, [join(PM2, 'bin/pm2'), command], { cwd: ROOT, env: { PM2_HOME: home } })
    // Every command starts its daemon, even --help.
    onTestFinished(async () => {
      await pm2('kill')
      rmSync(home, { recursive: true })
    })
    const { stdout } = await pm2('--help')
    for (const command of column(commands, 0)) {
      const [program, verb = ''] = command.split(' ')
      expect(program).toBe('pm2')
      expect(stdout).toMatch(new RegExp(`^ +(?:\\w+\\|)?${verb}[| ]`, 'm'))
    }
  })

  test('names fields that pm2 knows', () => {
    const known = Object.keys(JSON.parse(readRoot(`${PM2}/lib/API/schema.json`)) as object)
    expect(column(fields, 0).filter((name) => !known.includes(name))).toEqual([])
    const file = codeBlocks(page).find(({ language }) => language === 'cjs')?.code ?? ''
    const module = { exports: { apps: [{}] } }
    runInNewContext(file, { module })
    const named = Object.keys(module.exports.apps[0] ?? {})
    expect(named.filter((name) => !column(fields, 0).includes(name))).toEqual([])
  })

  test('names options that the command has', async () => {
    const help = [await socketPort(['run', '--help']), await socketPort(['unit', '--help'])]
    const printed = help.map(({ stdout }) => stdout).join('')
    const options = [...column(commands, 1), ...column(fields, 1)]
      .filter((text) => /^(?:socket-port|--)/.test(text))
      .flatMap((text) => text.match(/--[a-z-]+/g) ?? [])
    expect(options.length).toBeGreaterThan(10)
    expect(options.filter((option) => !printed.includes(option))).toEqual([])
  })

  test(FROM_PM2.run, async () => {
    const port = freePort()
    project.write(
      'server.mjs',
      (programsOf('README.md')[0]?.code ?? '').replaceAll('8080', String(port)),
    )
    const supervised = await superviseLine(FROM_PM2.run, port, { cwd: project.dir })
    onTestFinished(() => supervised.dispose())
    await supervised.until(({ generations }) => generations[0]?.workers.length === 2)
    expect(await ask(port)).toBe('hello\n')
  })

  test(FROM_PM2.unit, async () => {
    const { code, stdout } = await socketPort(FROM_PM2.unit.split(' ').slice(1), {
      cwd: project.dir,
    })
    expect(code).toBe(0)
    // Where --workers is to be added.
    expect(stdout).toMatch(/^ExecStart=\S+ -- \S+ run --listen 8080 .* -- \S+ \S+server\.mjs$/m)
    expect(stdout).toContain('EnvironmentFile=/etc/app.env\n')
  })
})
