import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { commands } from './commands/index.ts'
import { runCommand } from './commands/run.ts'
import { exitCodes } from './run/exit-codes.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** The rows of the table below a heading, without its head. */
function table(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((row) => row.slice(2, -2).split(' | '))
}

test('the exit codes of the README are those of the source', () => {
  const rows = Object.entries(exitCodes)
  expect(table('Exit codes')).toEqual(rows)
})

test('the commands of the README are those of the source, in the same words', () => {
  const rows = table('Commands').map(([usage = '', what]) => [/`(\w+)/.exec(usage)?.[1], what])
  expect(rows).toEqual(commands.map(({ name, summary }) => [name, summary]))
})

test('the options of run in the README are those of the source', () => {
  const options = Object.entries(runCommand.options).map(([name, { short, value }]) => {
    const long = `\`--${name}${value === undefined ? '' : ` ${value}`}\``
    return short === undefined ? long : `\`-${short}\`, ${long}`
  })
  expect(table('run').map(([option]) => option)).toEqual(options)
})
