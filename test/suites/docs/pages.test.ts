import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as core from '@socket-port/core'
import * as diagnose from '@socket-port/core/diagnose'
import * as killPort from '@socket-port/core/kill-port'
import { describe, expect, test } from 'vitest'
import {
  CHAT,
  documents,
  EXAMPLES,
  manifestOf,
  ROOT,
  readRoot,
  SYSTEMD_WAYS,
  TRANSLATION,
} from '../../src/docs/documents.ts'
import {
  anchorOf,
  codeBlocks,
  codeSpans,
  headings,
  links,
  proseOf,
  tables,
} from '../../src/docs/markdown.ts'
import { isValue, propertiesOf } from '../../src/docs/source-options.ts'

const readme = readRoot('README.md')

describe('README.md', () => {
  test('opens with one sentence, six lines of code and two commands', () => {
    const [title, sentence = ''] = proseOf(readme).split('\n\n')
    const [program, commands] = codeBlocks(readme)
    expect(title).toBe('# socket-port')
    expect(sentence.match(/\./g)).toHaveLength(1)
    expect(program?.code.trimEnd().split('\n')).toHaveLength(6)
    expect(commands?.code).toMatch(/^npx -y pnpm@\S+ demo\nnpx -y pnpm@\S+ test\n$/)
  })

  test('lists every option with its default, and no other', () => {
    const types = readRoot('packages/core/src/base/types.ts')
    const documented = tables(readme).filter(([head]) => head?.[0] === 'option')
    const inSource = [
      [...propertiesOf(types, 'SocketQuery'), ...propertiesOf(types, 'ListenOptions')],
      propertiesOf(types, 'ServeOptions'),
      propertiesOf(types, 'DrainOptions'),
    ]
    expect(documented.map(([, ...rows]) => rows.map(([name]) => name))).toEqual(
      inSource.map((options) => options.map(({ name }) => `\`${name}\``)),
    )
    const values = documented.flatMap(([, ...rows]) => rows.map((row) => row[1] ?? ''))
    inSource.flat().forEach(({ name, byDefault = '' }, index) => {
      const value = isValue(byDefault) ? `\`${byDefault}\`` : expect.not.stringContaining('`')
      expect(values[index], name).toEqual(value)
    })
  })

  test('lists every member of a service', () => {
    const [, ...rows] = tables(readme).find(([head]) => head?.[0] === 'member') ?? []
    const members = propertiesOf(readRoot('packages/core/src/base/types.ts'), 'Service')
    expect(rows.map(([name]) => name?.replace(/[`()]/g, ''))).toEqual(
      members.map(({ name }) => name),
    )
  })

  test('speaks of everything that the package exports', () => {
    const spoken = [
      ...codeSpans(readme),
      ...headings(readme).flatMap((one) => one.text.split(', ')),
    ]
    const exported = [core, diagnose, killPort].flatMap((entry) => Object.keys(entry))
    expect(spoken).toEqual(expect.arrayContaining(exported))
  })
})

describe('README.zh.md', () => {
  const chinese = readRoot(TRANSLATION)

  test('has the code blocks of README.md', () => {
    const code = (document: string): object[] =>
      codeBlocks(document).map(({ language, code }) => ({ language, code }))
    expect(code(chinese)).toEqual(code(readme))
  })

  test('has a heading for each of README.md', () => {
    const levels = (document: string): number[] => headings(document).map(({ level }) => level)
    expect(levels(chinese)).toEqual(levels(readme))
  })

  test('has the tables of README.md, with the same code in each row', () => {
    const code = (document: string): string[][][] =>
      tables(document).map((table) => table.map((row) => codeSpans(row.join('|')).sort()))
    expect(code(chinese)).toEqual(code(readme))
  })

  test('leads where README.md leads', () => {
    const targets = (document: string): string[] =>
      links(document).filter((target) => !/^README/.test(target))
    expect(targets(chinese)).toEqual(targets(readme))
  })
})

const examples = [...EXAMPLES.map(({ folder }) => folder), SYSTEMD_WAYS, CHAT].map(
  (folder) => `${folder}/README.md`,
)

/** Where a link to the repository leads in it: the README of a package stands elsewhere too. */
function inRepository(target: string): string {
  const url = manifestOf('packages/core').repository.url.replace(/^git\+|\.git$/g, '')
  return target
    .replace(`${url}/blob/main/`, '/')
    .replace(`${url}#readme`, '/README.md')
    .replace(`${url}#`, '/README.md#')
}

describe.each([...documents, ...examples])('%s', (document) => {
  const markdown = readRoot(document)

  test('leads to files and headings that exist', () => {
    const local = links(markdown)
      .map(inRepository)
      .filter((target) => !/^https?:/.test(target))
    const broken = local.filter((target) => {
      const [path = '', anchor] = target.split('#')
      const from = path.startsWith('/') ? '' : dirname(document)
      const file = path === '' ? document : join(from, path)
      if (!existsSync(join(ROOT, file))) return true
      return anchor !== undefined && !headings(readRoot(file)).map(anchorOf).includes(anchor)
    })
    expect(broken).toEqual([])
  })

  test('names the command of what was measured', () => {
    const sections = markdown.split(/^(?=#{1,6} )/m)
    const measured = sections.filter((section) =>
      tables(section).some(([head = []]) =>
        /failed|stall|per second|失败|停顿|每秒/i.test(head.join()),
      ),
    )
    for (const section of measured) expect(section).toMatch(/npx -y pnpm@\S+ (run )?\w+/)
  })
})
