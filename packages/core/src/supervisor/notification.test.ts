import { describe, expect, it } from 'vitest'
import { parseFields, toMilliseconds } from './notification.ts'

describe('parseFields', () => {
  it.each<[string, [string, string][]]>([
    ['READY=1', [['READY', '1']]],
    [
      'READY=1\nSTATUS=on\n',
      [
        ['READY', '1'],
        ['STATUS', 'on'],
      ],
    ],
    ['STATUS=a=b', [['STATUS', 'a=b']]],
    ['STATUS=', [['STATUS', '']]],
    ['STATUS=a\nSTATUS=b', [['STATUS', 'b']]],
    ['READY', []],
    ['=1', []],
    ['', []],
    ['\n\n', []],
  ])('%j', (text, fields) => {
    expect([...parseFields(new TextEncoder().encode(text))]).toEqual(fields)
  })
})

describe('toMilliseconds', () => {
  it.each<[string | undefined, number | undefined]>([
    ['2000000', 2000],
    ['1', 0.001],
    ['0', 0],
    [undefined, undefined],
    ['', undefined],
    ['-1', undefined],
    ['1s', undefined],
    ['99999999999999999', undefined],
  ])('%j', (text, ms) => {
    expect(toMilliseconds(text)).toBe(ms)
  })
})
