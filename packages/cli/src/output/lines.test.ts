import { describe, expect, it } from 'vitest'
import { LineFormat, type LineFormatOptions } from './line-format.ts'
import { Chunks, WholeLines } from './lines.ts'

const AT = new Date('2026-01-02T03:04:05.678Z')
const format = (options: Partial<LineFormatOptions>): LineFormat =>
  new LineFormat({ prefix: false, timestamps: false, logFormat: 'text', ...options }, () => AT)

const place = { worker: 2, generation: 7 }

/** What is written of the chunks of a process, and then of its end. */
function written(chunks: (string | Buffer)[], options: Partial<LineFormatOptions>): string[] {
  const formatLine = format(options).ofProcess(place)
  if (formatLine === undefined) throw new Error('it is not by line')
  const lines = new WholeLines((line) => formatLine(line, 'info', 99))
  const pieces = chunks.map((chunk) => {
    lines.add(Buffer.from(chunk))
    const all: Buffer[] = []
    for (let piece = lines.next(); piece !== undefined; piece = lines.next()) all.push(piece)
    return Buffer.concat(all).toString('latin1')
  })
  return [...pieces, lines.rest()?.toString('latin1') ?? '']
}

describe('the lines of a process', () => {
  it('are written whole, and the last one gets a newline', () => {
    expect(written(['a', 'b\nc', '\n\nd\ne'], { prefix: true })).toEqual([
      '',
      '[2] ab\n',
      '[2] c\n[2] \n[2] d\n',
      '[2] e\n',
    ])
  })

  it('keep bytes that are not UTF-8', () => {
    const bytes = Buffer.from([0xff, 0x00, 0x0d, 0x0a])
    expect(written([bytes], { prefix: true })).toEqual(['[2] \xff\x00\r\n', ''])
  })

  it('have the time before the worker', () => {
    expect(written(['a\n'], { prefix: true, timestamps: true })).toEqual([
      '2026-01-02T03:04:05.678Z [2] a\n',
      '',
    ])
    expect(written(['a\n'], { timestamps: true })).toEqual(['2026-01-02T03:04:05.678Z a\n', ''])
  })

  it('are JSON objects, with control characters escaped', () => {
    const text = 'a "b" \u009b2J\u202e\tc'
    const [line = ''] = written([`${text}\r\n`], { logFormat: 'json', prefix: true })
    expect(JSON.parse(line)).toEqual({
      time: AT.toISOString(),
      level: 'info',
      worker: 2,
      pid: 99,
      generation: 7,
      text,
    })
    expect(line).toMatch(/^[ -~]*\n$/)
  })

  it('are split where one is too long, between two characters', () => {
    // Each has three bytes, and 65,536 is not divisible by three.
    const long = '€'.repeat(100_000)
    const json = written([long.slice(0, 50_000), `${long.slice(50_000)}\nend\n`], {
      logFormat: 'json',
    })
    const texts = json.flatMap((piece) =>
      piece
        .split('\n')
        .filter((line) => line !== '')
        .map(
          (line) => (JSON.parse(Buffer.from(line, 'latin1').toString()) as { text: string }).text,
        ),
    )
    expect(texts.map(({ length }) => length)).toEqual([21_845, 21_845, 21_845, 21_845, 12_620, 3])
    expect(texts.slice(0, -1).join('')).toBe(long)
  })

  it('come in pieces that are not much longer than 64 KiB, though JSON is longer than an empty line', () => {
    const lines = new WholeLines((line) => Buffer.concat([Buffer.alloc(99), line]))
    lines.add(Buffer.from('\n'.repeat(65_536)))
    const lengths: number[] = []
    for (let piece = lines.next(); piece !== undefined; piece = lines.next()) {
      lengths.push(piece.length)
    }
    expect(Math.max(...lengths)).toBeLessThan(65_536 + 99)
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(65_536 * 99)
  })
})

it('without an option output is passed on as it is', () => {
  expect(format({}).ofProcess(place)).toBeUndefined()
  const chunks = new Chunks()
  const chunk = Buffer.from('half a li')
  chunks.add(chunk)
  expect(chunks.next()).toBe(chunk)
  expect([chunks.next(), chunks.rest()]).toEqual([undefined, undefined])
})

describe('a line of run itself', () => {
  it('shows its level; as JSON it has the same keys as a line of a process', () => {
    expect(format({}).own('it is full', 'warn', 'show level')).toBe(
      'socket-port: warning: it is full\n',
    )
    expect(format({ timestamps: true }).own('failed', 'error', 'hide level')).toBe(
      '2026-01-02T03:04:05.678Z socket-port: failed\n',
    )
    expect(
      JSON.parse(format({ logFormat: 'json' }).own('two\nlines', 'warn', 'show level')),
    ).toEqual({
      time: AT.toISOString(),
      level: 'warn',
      worker: null,
      pid: process.pid,
      generation: null,
      text: 'two\nlines',
    })
  })
})
