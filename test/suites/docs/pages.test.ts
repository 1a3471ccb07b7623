import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as core from '@socket-port/core'
import * as diagnose from '@socket-port/core/diagnose'
import * as killPort from '@socket-port/core/kill-port'
import { describe, expect, test } from 'vitest'
import { SUPERVISE } from '../../src/docs/commands.ts'
import {
  CHAT,
  documents,
  EXAMPLES,
  manifestOf,
  ROOT,
  readRoot,
  SYSTEMD_WAYS,
  TRANSLATED,
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
  test('opens with one sentence, a picture, the line that installs it, six lines of code, and a restart', () => {
    const [title, sentence = ''] = proseOf(readme).split('\n\n')
    expect(links(readme)[0]).toBe('docs/restart.svg')
    const [install, program, restart] = codeBlocks(readme)
    expect(title).toBe('# socket-port')
    expect(sentence.match(/\./g)).toHaveLength(1)
    expect(install?.code).toBe('npm i @socket-port/core\n')
    expect(program?.code.trimEnd().split('\n')).toHaveLength(6)
    expect(restart?.code.trimEnd().split('\n')).toEqual(SUPERVISE)
  })

  test('has the two commands of a clone', () => {
    const commands = codeBlocks(readme).map(({ code }) => code)
    const clone = /^npx -y pnpm@\S+ demo\nnpx -y pnpm@\S+ test\n$/
    expect(commands).toContainEqual(expect.stringMatching(clone))
  })

  test('leads to every page of docs', () => {
    const pages = documents.filter(
      (path) => path.startsWith('docs/') && !TRANSLATED.some(({ chinese }) => chinese === path),
    )
    expect(links(readme)).toEqual(expect.arrayContaining(pages))
  })

  test('is short', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(200)
  })
})

describe('docs/api.md', () => {
  const api = readRoot('docs/api.md')

  test('lists every option with its default, and no other', () => {
    const types = readRoot('packages/core/src/base/types.ts')
    const documented = tables(api).filter(([head]) => head?.[0] === 'option')
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
    const [, ...rows] = tables(api).find(([head]) => head?.[0] === 'member') ?? []
    const members = propertiesOf(readRoot('packages/core/src/base/types.ts'), 'Service')
    expect(rows.map(([name]) => name?.replace(/[`()]/g, ''))).toEqual(
      members.map(({ name }) => name),
    )
  })

  test('speaks of everything that the package exports', () => {
    const spoken = [...codeSpans(api), ...headings(api).flatMap((one) => one.text.split(', '))]
    const exported = [core, diagnose, killPort].flatMap((entry) => Object.keys(entry))
    expect(spoken).toEqual(expect.arrayContaining(exported))
  })
})

const packageReadmes = documents.filter((path) => path.startsWith('packages/'))

describe.each(packageReadmes)('%s', (path) => {
  test('has a table of what it does, and a figure with the command that measures it', () => {
    const heads = tables(readRoot(path)).map(([head]) => head?.join(' | '))
    expect(heads[0]).toMatch(/^(what|command) \| what (happens|it does)$/)
    expect(readRoot(path)).toMatch(/`npx -y pnpm@\S+ (run )?\w+/)
  })
})

describe.each(TRANSLATED)('$chinese', ({ document, chinese }) => {
  const original = readRoot(document)
  const translation = readRoot(chinese)

  test('has the code blocks of its original', () => {
    const code = (text: string): object[] =>
      codeBlocks(text).map(({ language, code }) => ({ language, code }))
    expect(code(translation)).toEqual(code(original))
  })

  test('has a heading for each', () => {
    const levels = (text: string): number[] => headings(text).map(({ level }) => level)
    expect(levels(translation)).toEqual(levels(original))
  })

  test('has the same tables, with the same code in each row', () => {
    const code = (text: string): string[][][] =>
      tables(text).map((table) => table.map((row) => codeSpans(row.join('|')).sort()))
    expect(code(translation)).toEqual(code(original))
  })

  test('leads where its original leads, or to the translation of that', () => {
    expect(links(translation).flatMap(targetOf(chinese))).toEqual(
      links(original).flatMap(targetOf(document)),
    )
  })
})

/** Where a link leads, without an anchor that is translated; nothing for one to the other language. */
function targetOf(from: string): (target: string) => string[] {
  return (target) => {
    const [path = '', anchor] = target.split('#')
    const original = path.replace('.zh.md', '.md')
    const own = from.replace('.zh.md', '.md')
    const file = path === '' ? own : join(dirname(from), original)
    if (path !== '' && file === own) return []
    const translated = TRANSLATED.some(({ document }) => document === file)
    return [translated || anchor === undefined ? original : target]
  }
}

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
