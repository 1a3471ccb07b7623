import { describe, expect, it } from 'vitest'
import { BackOff } from './back-off.ts'

const rules = { first: 100, most: 1000, reset: 5000 }

describe('BackOff', () => {
  it.each<[string, number[], number[]]>([
    [
      'at once, then doubling up to the cap',
      [0, 0, 0, 0, 0, 0, 0],
      [0, 100, 200, 400, 800, 1000, 1000],
    ],
    ['short lives count as failures', [4999, 4999, 4999], [0, 100, 200]],
    ['a long time in service resets', [0, 0, 0, 5000, 0], [0, 100, 200, 0, 100]],
  ])('%s', (_, lives, waits) => {
    const backOff = new BackOff(rules)
    expect(lives.map((ms) => backOff.next(ms))).toEqual(waits)
  })

  it('never waits longer than the limit', () => {
    const backOff = new BackOff(rules)
    for (let failure = 0; failure < 2000; failure += 1) backOff.next(0)
    expect(backOff.next(0)).toBe(1000)
    expect(backOff.failures).toBe(2001)
  })

  it('starts again from zero after a reload', () => {
    const backOff = new BackOff(rules)
    for (let failure = 0; failure < 3; failure += 1) backOff.next(0)
    backOff.forget()
    expect(backOff.next(0)).toBe(0)
  })
})
