import { describe, expect, it } from 'vitest'
import { plainText, quote } from './quote.ts'

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

  it('shortens a long text', () => {
    expect(quote('x'.repeat(78))).toBe(`"${'x'.repeat(78)}"`)
    expect(quote('x'.repeat(79))).toBe(`"${'x'.repeat(76)}…"`)
    expect(quote('\n'.repeat(10_000)).length).toBeLessThan(81)
  })
})

describe('plainText', () => {
  it.each([
    ['ready on 8080\n\tdetails', 'ready on 8080\n\tdetails'],
    ['été 💥 👩‍💻 می‌خواهم', 'été 💥 👩‍💻 می‌خواهم'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['one\r\ntwo\r\n', 'one\ntwo\n'],
    ['50%\r100%', '50%\\u{d}100%'],
    ['\u001b]0;title\u0007text', 'text'],
    ['\u001b]0;no end', '\\u{1b}]0;no end'],
    ['\u009b2Jgone', 'gone'],
    ['\u009d0;no end', '\\u{9d}0;no end'],
    ['\u0000\u0007\u0008\u007f\u0085', '\\u{0}\\u{7}\\u{8}\\u{7f}\\u{85}'],
    ['\u202egnp.exe\u2066\u2069\u200e', '\\u{202e}gnp.exe\\u{2066}\\u{2069}\\u{200e}'],
    ['\u2028\ufeff\u{e0001}', '\\u{2028}\\u{feff}\\u{e0001}'],
    // What is left of a sequence inside a sequence cannot become one.
    ['\u001b\u001b[31m[2J', '\\u{1b}[2J'],
  ])('shows %j as %j', (text, shown) => {
    expect(plainText(text)).toBe(shown)
  })
})
