import { describe, expect, test } from 'vitest'
import { anchorOf, codeBlocks, headings, links, proseOf, tables } from '../../src/docs/markdown.ts'
import { propertiesOf } from '../../src/docs/source-options.ts'

const text = `# Title

See [there](other.md#part).

\`\`\`js
# no heading [no](link)
\`\`\`

It prints:

\`\`\`text
output
\`\`\`

## \`code\`, and words

\`\`\`
bare
\`\`\`

| a | b |
|---|---|
| 1 | \`x \\| y\` |
`

describe('what the tests of the docs read', () => {
  test('is every block, with what stands right after it', () => {
    const [program, output, bare] = codeBlocks(text)
    expect(program).toMatchObject({ language: 'js', line: 5, next: output })
    expect(program?.code).toBe('# no heading [no](link)\n')
    expect(output).toMatchObject({ language: 'text', code: 'output\n', line: 11, next: undefined })
    expect(bare).toMatchObject({ language: '', code: 'bare\n', next: undefined })
  })

  test('is prose without the blocks', () => {
    expect(headings(text)).toEqual([
      { level: 1, text: 'Title' },
      { level: 2, text: '`code`, and words' },
    ])
    expect(links(text)).toEqual(['other.md#part'])
    expect(proseOf(text)).not.toContain('output')
    expect(headings(text).map(anchorOf)).toEqual(['title', 'code-and-words'])
  })

  test('is each table, with bars inside code', () => {
    expect(tables(text)).toEqual([
      [
        ['a', 'b'],
        ['1', '`x | y`'],
      ],
    ])
  })

  test('is each property of an interface, with its default', () => {
    const source = `export interface Other {
  x: number
}
export interface Some<T> extends Other {
  /** Says much. @default 5000 */
  first?: number | undefined
  /**
   * Says more.
   * @default 'a' */
  readonly second?: string
  third?: Other
  call(): T
}`
    expect(propertiesOf(source, 'Some')).toEqual([
      { name: 'first', byDefault: '5000' },
      { name: 'second', byDefault: "'a'" },
      { name: 'third', byDefault: undefined },
      { name: 'call', byDefault: undefined },
    ])
    expect(() => propertiesOf(source, 'None')).toThrow('no interface None')
  })
})
