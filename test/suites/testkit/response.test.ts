import { ResponseReader } from '@socket-port/testkit/load/response'
import { describe, expect, test } from 'vitest'

const OK = 'HTTP/1.1 200 OK\r\n'

describe.each(['whole', 'byte by byte'] as const)('a response that comes %s', (how) => {
  test.each([
    ['a length', `${OK}Content-Length: 5\r\n\r\nhello`, 'hello'],
    ['no body', `${OK}content-length:0\r\n\r\n`, ''],
    ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'ok'],
    ['chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`, 'hello'],
    ['an empty chunked body', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, ''],
    [
      'extensions and trailers',
      `${OK}Transfer-Encoding: Chunked\r\n\r\nA;x=1\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n`,
      '0123456789',
    ],
    ['line ends in its body', `${OK}Content-Length: 6\r\n\r\n\r\n\r\n\r\n`, '\r\n\r\n\r\n'],
    ['a 204', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
    [
      'an interim response first',
      `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
      'ok',
    ],
  ])('with %s is read', (_, bytes, body) => {
    const reader = new ResponseReader()
    expect(feed(reader, bytes, how)).toBe(bytes.length)
    expect(reader).toMatchObject({ error: undefined, body })
  })

  test.each([
    ['no length', `${OK}Connection: close\r\n\r\nhello`, 'length "undefined"'],
    ['a bad length', `${OK}Content-Length: 5x\r\n\r\nhello`, 'length "5x"'],
    ['a negative length', `${OK}Content-Length: -1\r\n\r\n`, 'length "-1"'],
    ['two lengths', `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`, 'length "5, 6"'],
    [
      'a length and chunks',
      `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
      'a length and a transfer coding',
    ],
    ['another coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`, '"gzip, chunked"'],
    ['another protocol', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.0 200 OK'],
    ['no protocol', 'hello\r\n\r\n', 'status line "hello"'],
    ['a folded header', `${OK}x: 1\r\n 2\r\nContent-Length: 0\r\n\r\n`, 'header line " 2"'],
    ['a bad chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`, 'chunk size "xyz"'],
    [
      'a chunk too long',
      `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n`,
      'a chunk longer than its size',
    ],
    ['an endless head', `${OK}x: ${'y'.repeat(70_000)}`, 'no end of head in 64 KiB'],
    [
      'an endless chunk size',
      `${OK}Transfer-Encoding: chunked\r\n\r\n${'1'.repeat(2_000)}`,
      'endless chunk size',
    ],
  ])('with %s is malformed', (_, bytes, error) => {
    const reader = new ResponseReader()
    feed(reader, bytes, how)
    expect(reader.error).toContain(error)
  })

  test.each([
    `${OK}Content-Length: 5\r\n\r\nhello`,
    `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ])('is incomplete without its last byte: %j', (bytes) => {
    const reader = new ResponseReader()
    expect(feed(reader, bytes.slice(0, -1), how)).toBe(-1)
    expect(reader.error).toBeUndefined()
  })
})

test('more bytes than a response are malformed', () => {
  const reader = new ResponseReader()
  reader.push(Buffer.from(`${OK}Content-Length: 2\r\n\r\nok!`))
  expect(reader.error).toBe('bytes after the response')
})

test('what the client needs of the head is taken from it', () => {
  const reader = new ResponseReader()
  const head = 'X-Request-Id: 7-1\r\nConnection: foo, Close\r\nContent-Length: 0'
  reader.push(Buffer.from(`HTTP/1.1 503 Gone\r\n${head}\r\n\r\n`))
  expect(reader).toMatchObject({ status: 503, id: '7-1', closes: true })
  reader.reset()
  reader.push(Buffer.from(`${OK}Connection: keep-alive\r\nContent-Length: 0\r\n\r\n`))
  expect(reader).toMatchObject({ status: 200, id: undefined, closes: false })
})

/** Pushes until the reader is content; returns how many bytes that took, or -1. */
function feed(reader: ResponseReader, text: string, how: 'whole' | 'byte by byte'): number {
  const bytes = Buffer.from(text, 'latin1')
  if (how === 'whole') return reader.push(bytes) ? bytes.length : -1
  for (let index = 0; index < bytes.length; index += 1) {
    if (reader.push(bytes.subarray(index, index + 1))) return index + 1
  }
  return -1
}
