import { describe, expect, test } from 'vitest'
import { readRoot } from '../../src/docs/documents.ts'

const MEASURED = 'docs/restart.svg'
const PICTURES = [MEASURED, 'docs/handover.svg']

describe('the pictures', () => {
  test.each(PICTURES)('%s has colours for light and for dark, and no others', (file) => {
    const svg = readRoot(file)
    const [light = [], dark = []] = [...svg.matchAll(/^ +svg \{ (--.+) \}$/gm)].map(([, colours]) =>
      [...String(colours).matchAll(/(--\w+): #/g)].map(([, name]) => name),
    )
    expect(light.length).toBeGreaterThan(3)
    expect(dark).toEqual(light)
    expect(svg).toContain('prefers-color-scheme: dark')
    const used = [...svg.matchAll(/(?:fill|stroke)(?:="|: )([^";}]+)/g)].map(([, value]) =>
      value?.trim(),
    )
    for (const value of used) expect(value).toMatch(/^(?:var\(--\w+\)|none|currentColor)$/)
  })

  test.each(PICTURES)('%s is in both READMEs', (file) => {
    for (const readme of ['README.md', 'README.zh.md'])
      expect(readRoot(readme)).toContain(`](${file})`)
  })

  test(`${MEASURED} has a dot for each request: two ways lose some, two lose none`, () => {
    const svg = readRoot(MEASURED)
    const ways = [...svg.matchAll(/(\d+) of (\d+) failed/g)].map(([, failed, all]) => ({
      failed: Number(failed),
      all: Number(all),
    }))
    expect(ways.map(({ failed }) => failed > 0)).toEqual([true, true, false, false])
    const dots = svg.match(/<circle /g) ?? []
    expect(dots).toHaveLength(ways.reduce((sum, { all }) => sum + all, 0))
  })
})
