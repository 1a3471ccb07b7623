/** A fenced block of code. */
export interface CodeBlock {
  /** The word after the fence; empty where there is none. */
  readonly language: string
  readonly code: string
  /** Of the opening fence, from 1. */
  readonly line: number
  /** The block that stands right after it, with at most one paragraph in between. */
  readonly next: CodeBlock | undefined
}

export interface Heading {
  readonly level: number
  readonly text: string
}

const FENCE = /^```(\S*)[^\n]*\n([\s\S]*?)^```$/gm

/** Every fenced block of a Markdown text, in order. */
export function codeBlocks(text: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  const matches = [...text.matchAll(FENCE)].reverse()
  let next: CodeBlock | undefined
  let start = text.length
  for (const match of matches) {
    const [whole, language = '', code = ''] = match
    const between = text.slice(match.index + whole.length, start)
    const line = text.slice(0, match.index).split('\n').length
    start = match.index
    next = { language, code, line, next: isNear(between) ? next : undefined }
    blocks.unshift(next)
  }
  return blocks
}

const isNear = (between: string): boolean =>
  !between.includes('\n#') && between.trim().split(/\n{2,}/).length <= 1

/** The text with the fenced blocks left out: what is prose, tables and headings. */
export const proseOf = (text: string): string => text.replace(FENCE, '')

export function headings(text: string): Heading[] {
  return [...proseOf(text).matchAll(/^(#{1,6}) (.+)$/gm)].map(([, hashes = '', title = '']) => ({
    level: hashes.length,
    text: title,
  }))
}

/** The rows of every table, without the rule below the head; cells are trimmed. */
export function tables(text: string): string[][][] {
  return [...proseOf(text).matchAll(/(?:^\|.*\|\n)+/gm)].map(([table]) =>
    table
      .trimEnd()
      .split('\n')
      .filter((row) => !/^[|\s:-]+$/.test(row))
      .map(cells),
  )
}

// A bar inside code is written `\|`.
const cells = (row: string): string[] =>
  row
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))

/** The words in backquotes, in order. */
export const codeSpans = (text: string): string[] =>
  [...proseOf(text).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)

/** Where the links and pictures lead. */
export const links = (text: string): string[] =>
  [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)

/** The anchor that GitHub gives a heading. */
export const anchorOf = ({ text }: Heading): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
