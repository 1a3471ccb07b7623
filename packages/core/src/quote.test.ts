import { describe, expect, it } from 'vitest'
import { quote } from './quote.ts'

describe('quote', () => {
  it.each([
    ['', '""'],
    ['web', '"web"'],
    ['a "b" \\', '"a \\"b\\" \\\\"'],
    ['été ☃ 💥', '"été ☃ 💥"'],
    ['\u0000\n\u001b[31m', '"\\u0000\\n\\u001b[31m"'],
    ['\u007f\u009b', '"\\u{7f}\\u{9b}"'],
    ['\u202e\u2028\ufeff\u{e0001}', '"\\u{202e}\\u{2028}\\u{feff}\\u{e0001}"'],
    ['\ud800', '"\\ud800"'],
  ])('shows %j as %s', (text, shown) => {
    expect(quote(text)).toBe(shown)
  })

  it('shortens what is long', () => {
    expect(quote('x'.repeat(78))).toBe(`"${'x'.repeat(78)}"`)
    expect(quote('x'.repeat(79))).toBe(`"${'x'.repeat(76)}…"`)
    expect(quote('\n'.repeat(10_000)).length).toBeLessThan(81)
  })
})
