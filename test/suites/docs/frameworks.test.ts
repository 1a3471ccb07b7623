import { describe, expect, test } from 'vitest'
import { apps, FRAMEWORK_LINES, runLine, unitLine, ways } from '../../frameworks/apps.ts'
import { readRoot } from '../../src/docs/documents.ts'
import { codeBlocks, links } from '../../src/docs/markdown.ts'

const page = readRoot('docs/frameworks.md')
const [introduction = '', ...sections] = page.split(/^(?=## )/m)

/** The section whose first link is the app's folder. */
const sectionsOf = (name: string): string[] =>
  sections.filter((section) => links(section)[0] === `../examples/frameworks/${name}`)

const linesOf = (text: string): string[] =>
  codeBlocks(text).flatMap(({ code }) => code.trimEnd().split('\n'))

describe('docs/frameworks.md', () => {
  test('has a section for each app of examples/frameworks, and an app for each section', () => {
    const [common, ...others] = sections
    expect(common).toMatch(/^## For all of them\n/)
    expect(others).toHaveLength(apps.length)
    for (const { name } of apps) expect(sectionsOf(name), name).toHaveLength(1)
    expect(codeBlocks(introduction)).toEqual([])
  })

  test.each(apps)('shows the commands that the tests run: $name', (app) => {
    const own = ways.filter((way) => way.app === app)
    const lines = [...own.map(runLine), ...own.map(unitLine)]
    expect(linesOf(sectionsOf(app.name).join(''))).toEqual(lines)
  })

  test('shows no others', () => {
    expect(linesOf(page).filter((line) => !FRAMEWORK_LINES.includes(line))).toEqual([])
  })
})
