import { describe, expect, it } from 'vitest'
import { Lines, Tail } from './output.ts'

describe('Tail', () => {
  it('keeps the last twenty lines', () => {
    const tail = new Tail()
    for (let line = 1; line <= 100; line += 1) tail.add(`line ${line}\n`)
    const lines = tail.toString().split('\n')
    expect(lines).toHaveLength(20)
    expect(lines[0]).toBe('line 81')
    expect(lines.at(-1)).toBe('line 100')
  })

  it('keeps a line without an end, and no more than a screen of it', () => {
    const tail = new Tail()
    tail.add('x'.repeat(100_000))
    expect(tail.toString()).toHaveLength(8192)
  })

  it('is empty at first', () => {
    expect(new Tail().toString()).toBe('')
  })
})

describe('Lines', () => {
  it('puts together what comes in pieces', () => {
    const lines = new Lines()
    expect(['a', 'b\nc', '\n\nd', '\n'].map((text) => lines.add(text))).toEqual([
      ...[[], ['ab'], ['c', ''], ['d']],
    ])
  })
})
