import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT, readRoot } from '../../src/docs/documents.ts'
import { codeSpans, tables } from '../../src/docs/markdown.ts'

const page = readRoot('docs/architecture.md')
const roomTables = tables(page).filter(([head]) => head?.[0] === 'room')
const [aboutCore = '', aboutCommand = ''] = page.split(/^(?=## Rooms of the command$)/m)

const HOUSES = [
  { source: 'packages/core/src', table: roomTables[0], about: aboutCore },
  { source: 'packages/cli/src', table: roomTables[1], about: aboutCommand },
]

describe.each(HOUSES)('docs/architecture.md, the rooms of $source', ({ source, table, about }) => {
  const [, ...rows] = table ?? []
  const rooms = rows.map(([spans = '']) => codeSpans(spans))
  const files = readdirSync(join(ROOT, source), { recursive: true, encoding: 'utf8' }).filter(
    (file) => /(?<!\.test)\.ts$/.test(file) && !file.startsWith('testing/'),
  )
  /** The number of a room from the top. `folder/` stands for its files, but not for those of its folders. */
  const roomOf = (file: string): number =>
    rooms.findIndex((names) => names.includes(file) || names.includes(`${dirname(file)}/`))
  const importsOf = (file: string): string[] =>
    importedBy(readRoot(`${source}/${file}`))
      .map((path) => join(dirname(file), path))
      .filter((path) => !path.startsWith('..'))

  test('hold every file, and no room is empty', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(files.filter((file) => roomOf(file) < 0)).toEqual([])
    const present = new Set(files.flatMap((file) => [file, `${dirname(file)}/`]))
    expect(rooms.flat().filter((name) => !present.has(name))).toEqual([])
  })

  test('import only from rooms further down', () => {
    const upwards = files.flatMap((file) =>
      importsOf(file)
        .filter((imported) => roomOf(imported) < roomOf(file))
        .map((imported) => `${file} imports ${imported}`),
    )
    expect(upwards).toEqual([])
  })

  test('have no two files that import each other, directly or through others', () => {
    const done = new Set<string>()
    const findCycle = (file: string, path: readonly string[]): string[] => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
      if (done.has(file)) return []
      const found = importsOf(file).map((next) => findCycle(next, [...path, file]))
      done.add(file)
      return found.find((cycle) => cycle.length > 0) ?? []
    }
    expect(files.map((file) => findCycle(file, [])).filter((cycle) => cycle.length > 0)).toEqual([])
  })

  test('are drawn with their imports', () => {
    const { nodeOf, arrows } = pictureOf(about)
    const drawn = (file: string): string | undefined => nodeOf(dirname(file))
    const imports = new Set(
      files.flatMap((file) => importsOf(file).map((to) => `${drawn(file)} --> ${drawn(to)}`)),
    )
    const isInOneNode = (arrow: string): boolean => new Set(arrow.split(' --> ')).size === 1
    expect([...arrows].filter((arrow) => !imports.has(arrow))).toEqual([])
    expect([...imports].filter((arrow) => !isInOneNode(arrow) && !follows(arrow, arrows))).toEqual(
      [],
    )
  })

  test('every path that the page names exists', () => {
    const missing = pathsIn(about).filter(
      (path) => !existsSync(join(ROOT, source, path)) && !existsSync(join(ROOT, path)),
    )
    expect(missing).toEqual([])
  })
})

describe('the top of packages/core/src', () => {
  const faces = topOf('packages/core/src')

  test('has at most eight files', () => {
    expect(faces.length).toBeLessThanOrEqual(8)
  })

  test.each(faces)('%s only re-exports', (face) => {
    const statements = withoutComments(readRoot(`packages/core/src/${face}`))
      .split(/\n(?=\S)(?!\})/)
      .map((statement) => statement.trim())
      .filter((statement) => statement !== '')
    const others = statements.filter((statement) => !RE_EXPORT.test(statement))
    expect(others).toEqual([])
  })
})

test('the top of packages/cli/src has only the binary and the choice of a command', () => {
  expect(topOf('packages/cli/src')).toEqual(['cli.ts', 'main.ts'])
})

// `import './x.ts'` runs a file, as the refusal of an unsupported runtime does.
const RE_EXPORT = /^(?:export (?:type )?(?:\{[^}]*\}|\*(?: as \w+)?) from|import) '[^']+'$/

function topOf(source: string): string[] {
  return readdirSync(join(ROOT, source))
    .filter((file) => /(?<!\.test)\.ts$/.test(file))
    .sort()
}

/** Relative paths that are imported: by `import` and `export … from`, their types too, and by `import()`. */
function importedBy(code: string): string[] {
  const found = withoutComments(code).matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)
  return [...found].map(([, path = '']) => path)
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

interface Picture {
  /** The node that shows a folder; `.` is the top of the source. */
  nodeOf(folder: string): string | undefined
  /** As `service --> handover`, by the names of the nodes. */
  arrows: ReadonlySet<string>
}

/** The first picture in the text with rooms as its nodes: `id["folder/, folder/"]`, without a `/` the top. */
function pictureOf(text: string): Picture {
  const [, picture = ''] = /^```mermaid\n([\s\S]*?)^```$/m.exec(text) ?? []
  const labels = [...picture.matchAll(/(\w+)\["?([^\]"]+)"?\]/g)]
  const folders = labels.flatMap(([, node = '', label = '']) =>
    label.includes('/')
      ? label.split(', ').map((name) => [name.replace(/\/$/, ''), node] as const)
      : [['.', node] as const],
  )
  const nodes = new Map(folders)
  const lines = picture.replace(/\[[^\]]*\]/g, '').matchAll(/^ *(.+) --> (.+)$/gm)
  const arrows = [...lines].flatMap(([, from = '', to = '']) =>
    from.split(' & ').flatMap((a) => to.split(' & ').map((b) => `${a} --> ${b}`)),
  )
  return { nodeOf: (folder) => nodes.get(folder), arrows: new Set(arrows) }
}

/** Whether an arrow is one of these, or a way along several of them. They have no cycles. */
function follows(arrow: string, arrows: ReadonlySet<string>): boolean {
  const [from = '', to = ''] = arrow.split(' --> ')
  const next = [...arrows].flatMap((one) =>
    one.startsWith(`${from} --> `) ? one.split(' --> ')[1] : [],
  )
  return next.some((node) => node === to || follows(`${node} --> ${to}`, arrows))
}

/** What looks like the path of a file or a folder, in the prose and in the pictures. */
function pathsIn(markdown: string): string[] {
  const pictures = [...markdown.matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)].map(([, text]) => text)
  const labels = pictures.flatMap(
    (text = '') => text.match(/(?<![\w<./-])[a-z][\w./-]*(?:\.ts|\/(?!\w))/g) ?? [],
  )
  const spans = codeSpans(markdown).filter((span) => /^(?!\/)[\w./-]+(?:\.ts|\/)$/.test(span))
  return [...new Set([...spans, ...labels].map(normalize))]
}
