import { describe, expect, it } from 'vitest'
import {
  type AskAnswer,
  type AskRequest,
  LONGEST_MESSAGE,
  readAnswer,
  readRequest,
  writeAnswer,
  writeRequest,
} from './messages.ts'

const request: AskRequest = {
  port: 8080,
  portGiven: true,
  host: '::1',
  path: undefined,
  name: 'web',
  ipv6Only: true,
  take: 'first',
}

describe('a request', () => {
  it('is read as it was written, on one line', () => {
    const line = writeRequest(request).toString()
    expect(line.indexOf('\n')).toBe(line.length - 1)
    expect(readRequest(line)).toEqual(request)
    const path = { ...request, port: 0, portGiven: false, path: '/run/a\nb', host: undefined }
    expect(readRequest(writeRequest(path).toString())).toEqual(path)
  })

  it('that names no known way to choose may only get a socket of exactly its address', () => {
    for (const take of [undefined, 'any', 1, null]) {
      expect(readRequest(JSON.stringify({ version: 1, port: 1, take }))).toMatchObject({
        take: 'exact',
        portGiven: false,
        ipv6Only: false,
      })
    }
  })

  it.each<[string, RegExp]>([
    ['', /no JSON/],
    ['x', /no JSON/],
    ['null', /no JSON object/],
    ['1', /no JSON object/],
    ['[]', /no JSON object/],
    ['{}', /version is undefined, not 1/],
    ['{"version":"1"}', /version is "1"/],
    ['{"version":2,"port":1}', /version is 2/],
    ['{"version":1}', /port/],
    ['{"version":1,"port":"80"}', /port/],
    ['{"version":1,"port":-1}', /port/],
    ['{"version":1,"port":65536}', /port/],
    ['{"version":1,"port":1.5}', /port/],
    ['{"version":1,"port":1,"host":1}', /host is no text/],
    ['{"version":1,"port":1,"path":null}', /path is no text/],
    ['{"version":1,"port":1,"name":{}}', /name is no text/],
  ])('%s is refused', (text, reason) => {
    expect(readRequest(text)).toMatch(reason)
  })
})

describe('an answer', () => {
  it.each<AskAnswer>([
    { kind: 'given', name: 'web', channel: true },
    { kind: 'given', name: 'unknown', channel: false },
    { kind: 'none', kept: [] },
    { kind: 'none', kept: ['[::]:80', 'unix:/run/a'] },
    { kind: 'refused', reason: 'it has ended' },
  ])('$kind is read as it was written', (answer) => {
    expect(readAnswer(writeAnswer(answer).toString())).toEqual(answer)
  })

  it('lists only the first of many sockets', () => {
    const kept = Array.from({ length: 253 }, () => `unix:${'é'.repeat(53)}`)
    const written = writeAnswer({ kind: 'none', kept })
    expect(written.length).toBeLessThan(LONGEST_MESSAGE)
    expect(readAnswer(written.toString())).toEqual({
      kind: 'none',
      kept: [...kept.slice(0, 8), 'and 245 more'],
    })
  })

  it.each(['', 'x', '[]', '{"version":1}', '{"version":1,"kind":"later"}', '{"version":3}'])(
    '%s cannot be read',
    (text) => {
      expect(readAnswer(text)).toBeTypeOf('string')
    },
  )
})
