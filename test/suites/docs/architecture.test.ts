import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT, readRoot } from '../../src/docs/documents.ts'
import { codeSpans, tables } from '../../src/docs/markdown.ts'

const CORE = 'packages/core/src'

const sources = readdirSync(join(ROOT, CORE), { recursive: true, encoding: 'utf8' }).filter(
  (file) => /(?<!\.test)\.ts$/.test(file) && !file.startsWith('testing/'),
)

const importsOf = (file: string): string[] =>
  [...readRoot(`${CORE}/${file}`).matchAll(/ from '(\.[^']+)'/g)].map(([, path = '']) =>
    join(dirname(file), path),
  )

describe('docs/architecture.md', () => {
  const [[, ...rows] = []] = tables(readRoot('docs/architecture.md'))
  const rooms = rows.map(([, files = '']) => codeSpans(files))
  const roomOf = (file: string): number =>
    rooms.findIndex((files) => files.some((one) => file === one || file.startsWith(one)))

  test('gives every file a room', () => {
    expect(sources.filter((file) => roomOf(file) < 0)).toEqual([])
    expect(rooms.flat().filter((one) => !sources.some((file) => file.startsWith(one)))).toEqual([])
  })

  test('tells who imports whom: only rooms further down', () => {
    const upwards = sources.flatMap((file) =>
      importsOf(file)
        .filter((imported) => roomOf(imported) < roomOf(file))
        .map((imported) => `${file} imports ${imported}`),
    )
    expect(upwards).toEqual([])
  })
})
