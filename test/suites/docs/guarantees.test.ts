import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT, readRoot } from '../../src/docs/documents.ts'
import { tables } from '../../src/docs/markdown.ts'

const PAGE = 'docs/guarantees.md'

// `[the name of the test](../its/file.test.ts)`
const LINK = /^\[(.+)\]\(\.\.\/(.+\.test\.ts)\)$/

const rows = tables(readRoot(PAGE)).flatMap(([head, ...rows]) =>
  rows.map((cells) => ({ head, situation: cells[0] ?? '', shown: cells.at(-1) ?? '' })),
)

/** What is wrong with the test that a row names; `undefined` if it is there. */
function problemOf(shown: string): string | undefined {
  const [, name, file] = LINK.exec(shown) ?? []
  if (name === undefined || file === undefined) return 'it is no link to a test'
  if (!existsSync(join(ROOT, file))) return `there is no ${file}`
  const source = readRoot(file)
  const isThere = ["'", '`', '"'].some((quote) => source.includes(`${quote}${name}${quote}`))
  return isThere ? undefined : `no test in ${file} has this name`
}

describe(PAGE, () => {
  test('has rows, each of a situation, what the client sees, and a test', () => {
    expect(rows.length).toBeGreaterThan(30)
    const heads = new Set(rows.map(({ head }) => head?.join(' | ')))
    expect([...heads]).toEqual(['situation | what the client sees | shown by'])
  })

  test.each(rows)('$situation: its test exists', ({ shown }) => {
    expect(problemOf(shown)).toBeUndefined()
  })

  test.each([
    ['a test that was renamed', '[gets no response](../packages/core/src/drain/drain.test.ts)'],
    ['a file that was moved', '[gets its response](../packages/core/src/drain.test.ts)'],
    ['no test', 'the README'],
  ])('%s is found out', (_, shown) => {
    expect(problemOf(shown)).toBeTypeOf('string')
  })
})
